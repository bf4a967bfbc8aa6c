/* Starts a program where the kernel refuses what a run needs: `refused HOW PROGRAM ARG…`.
 * no-user-namespaces, no-mount-namespaces: in a user namespace of its own, whose limit is 0.
 * allowed: in the same user namespace, with its limits as they were.
 * seccomp-namespace, seccomp-mount: behind a filter that answers EPERM. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
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

static int refuse(long first, long second)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)first, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)second, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof filter / sizeof *filter, .filter = filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0;
}

static int arrange(const char *how)
{
	if (!strcmp(how, "seccomp-namespace"))
		return refuse(SYS_unshare, SYS_unshare);
	if (!strcmp(how, "seccomp-mount"))
		return refuse(SYS_mount, SYS_move_mount);
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
	if (argc < 3 || arrange(argv[1])) {
		perror("refused");
		return 99;
	}
	/* Who is not uid 0 loses the capabilities of the user namespace here. */
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 99;
}
