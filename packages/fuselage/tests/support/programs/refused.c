/* Starts a program where the kernel refuses what a run needs: `refused HOW PROGRAM ARG…`.
 * no-user-namespaces, no-mount-namespaces: in a user namespace of its own, whose limit is 0.
 * nested: in as many user namespaces inside each other as the kernel allows.
 * seccomp CALL=ERROR…: behind a filter that answers calls with EPERM or ENOSYS; `get-free` is the
 * ioctl(2) that asks for a free loop device, and is answered with ENOSPC.
 * landlock: in a domain that forbids every mount and nothing else that a test does; root gets into
 * it without giving up new privileges.
 * allowed: in the same user namespace, with its limits as they were. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/loop.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int put(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CLOEXEC);
	int failed = file < 0 || write(file, text, strlen(text)) != (ssize_t)strlen(text);

	if (file >= 0)
		close(file);
	return failed;
}

static int enter_user_namespace(void)
{
	char uid[64], gid[64];

	snprintf(uid, sizeof uid, "%d %d 1", (int)getuid(), (int)getuid());
	snprintf(gid, sizeof gid, "%d %d 1", (int)getgid(), (int)getgid());
	return unshare(CLONE_NEWUSER) != 0 || put("/proc/self/setgroups", "deny") ||
	       put("/proc/self/uid_map", uid) || put("/proc/self/gid_map", gid);
}

static int nest(void)
{
	int depth = 0;

	while (!enter_user_namespace())
		depth++;
	return errno != ENOSPC || depth < 2;
}

static int filter(struct sock_filter *rules, int count)
{
	struct sock_fprog program = { .len = (unsigned short)count, .filter = rules };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0;
}

static int refuse_call(const char *call, int error)
{
	static const struct {
		const char *name;
		long number;
	} calls[] = {
		{ "unshare", SYS_unshare },   { "mount", SYS_mount },
		{ "fsopen", SYS_fsopen },     { "open_tree", SYS_open_tree },
		{ "move_mount", SYS_move_mount },
	};

	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		struct sock_filter rules[] = {
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i].number, 0, 1),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		};

		if (!strcmp(call, calls[i].name))
			return filter(rules, 4);
	}
	return 1;
}

static int refuse_free_device(void)
{
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, LOOP_CTL_GET_FREE, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSPC),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	return filter(rules, 6);
}

/* `mount=EPERM`, `unshare=ENOSYS`, `get-free`. */
static int refuse(const char *what)
{
	char call[32];
	const char *equals = strchr(what, '=');

	if (!equals)
		return strcmp(what, "get-free") || refuse_free_device();
	snprintf(call, sizeof call, "%.*s", (int)(equals - what), what);
	return refuse_call(call, strcmp(equals, "=ENOSYS") ? EPERM : ENOSYS);
}

static int restrict_by_landlock(void)
{
	/* LANDLOCK_ACCESS_FS_MAKE_BLOCK, which root alone could do; landlock(7). */
	uint64_t handled = 1 << 11;
	long rules = syscall(444, &handled, sizeof handled, 0);

	if (rules < 0 || (geteuid() && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0))
		return 1;
	return syscall(446, rules, 0) != 0;
}

static int arrange(const char *how)
{
	if (!strcmp(how, "landlock"))
		return restrict_by_landlock();
	if (!strcmp(how, "nested"))
		return nest();
	if (enter_user_namespace())
		return 1;
	if (!strcmp(how, "no-user-namespaces"))
		return put("/proc/sys/user/max_user_namespaces", "0");
	if (!strcmp(how, "no-mount-namespaces"))
		return put("/proc/sys/user/max_mnt_namespaces", "0");
	return strcmp(how, "allowed");
}

int main(int argc, char **argv)
{
	int next = 2, failed = 0;

	if (argc > 1 && !strcmp(argv[1], "seccomp")) {
		for (; !failed && next < argc && *argv[next] != '/'; next++)
			failed = refuse(argv[next]);
	} else {
		failed = argc < 3 || arrange(argv[1]);
	}
	if (failed || next >= argc) {
		perror("refused");
		return 99;
	}
	/* Who is not uid 0 loses the capabilities of the user namespace here. */
	execvp(argv[next], argv + next);
	perror(argv[next]);
	return 99;
}
