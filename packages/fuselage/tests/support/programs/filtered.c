/* Becomes another program behind a filter of system calls (seccomp(2)), as old kernels and
 * containers have them: `filtered PROGRAM ARG...`. With PROGRAM defined when this is compiled, that
 * is executed in place of it, with the same words.
 * What is filtered is in the header that ../filtered.ts makes of a list of call-lists/:
 * LISTED, the numbers of its calls; LISTED_ERRNO, what they are answered with, 0: they are let
 * through and all others are answered with EPERM; and DOCKER, where Docker's rules for single calls
 * and for the capabilities of root are wanted. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/loop.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __x86_64__
#define MACHINE AUDIT_ARCH_X86_64
#else
#define MACHINE AUDIT_ARCH_AARCH64
#endif

/* The low half of an argument, on a little-endian machine. */
#define ARGUMENT(number) (offsetof(struct seccomp_data, args) + 8 * (number))
#define FAIL(error) (SECCOMP_RET_ERRNO | (error))

static struct sock_filter program[2048];
static unsigned short length;

static void add(unsigned short code, unsigned char jt, unsigned char jf, unsigned k)
{
	program[length++] = (struct sock_filter){ code, jt, jf, k };
}

static void load(unsigned offset)
{
	add(BPF_LD | BPF_W | BPF_ABS, 0, 0, offset);
}

static void verdict(unsigned value)
{
	add(BPF_RET | BPF_K, 0, 0, value);
}

/* The next `body` instructions are for what is equal, and for nothing else. */
static void when_equal(unsigned value, unsigned char body)
{
	add(BPF_JMP | BPF_JEQ | BPF_K, 0, body, value);
}

static void answer(unsigned call, unsigned value)
{
	when_equal(call, 1);
	verdict(value);
}

#ifdef DOCKER
/* Families of socket(2) that are refused. */
static const unsigned families[] = { 12, 19, 20, 23, 25, 34, 37, 38, 40 };
/* Values of personality(2) that are allowed. */
static const unsigned personalities[] = { 0, 8, 0x20000, 0x20008, 0xffffffff };
#define COUNT(list) (sizeof list / sizeof *list)
#define NAMESPACES 0x7e020000

static void rules_of_docker(void)
{
	size_t at;

	when_equal(SYS_clone, 4);
	load(ARGUMENT(0));
	add(BPF_JMP | BPF_JSET | BPF_K, 0, 1, NAMESPACES);
	verdict(FAIL(EPERM));
	verdict(SECCOMP_RET_ALLOW);
	answer(SYS_clone3, FAIL(ENOSYS));
	when_equal(SYS_socket, 4 + COUNT(families) * 2);
	load(ARGUMENT(0));
	for (at = 0; at < COUNT(families); at++)
		answer(families[at], FAIL(EPERM));
	add(BPF_JMP | BPF_JGT | BPF_K, 0, 1, 45);
	verdict(FAIL(EPERM));
	verdict(SECCOMP_RET_ALLOW);
	when_equal(SYS_personality, 2 + COUNT(personalities) * 2);
	load(ARGUMENT(0));
	for (at = 0; at < COUNT(personalities); at++)
		answer(personalities[at], SECCOMP_RET_ALLOW);
	verdict(FAIL(EPERM));
}

/* What root has in a container of Docker that is given nothing more: chown, dac_override, fowner,
 * fsetid, kill, setgid, setuid, setpcap, net_bind_service, net_raw, sys_chroot, mknod, audit_write,
 * setfcap. */
#define KEPT 0xa80425fbu

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct sets[2];
	int number;

	if (geteuid() != 0)
		return 0;
	for (number = 0; number < 64; number++) {
		int kept = number < 32 && (KEPT >> number & 1);

		/* Above the last one that there is: EINVAL. */
		if (!kept && prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0 && errno != EINVAL)
			return -1;
	}
	if (syscall(SYS_capget, &header, sets) != 0)
		return -1;
	sets[0].effective &= KEPT;
	sets[0].permitted &= KEPT;
	sets[0].inheritable = sets[1].inheritable = 0;
	sets[1].effective = sets[1].permitted = 0;
	return syscall(SYS_capset, &header, sets);
}
#endif

static int install(void)
{
	struct sock_fprog filter = { .filter = program };
	size_t at;

	load(offsetof(struct seccomp_data, arch));
	add(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, MACHINE);
	verdict(SECCOMP_RET_KILL_PROCESS);
	load(offsetof(struct seccomp_data, nr));
#ifdef DOCKER
	rules_of_docker();
#endif
	/* The first that is newer than Linux 4.18, on every machine; the headers may not know them all. */
	if (LISTED_ERRNO == ENOSYS) {
		add(BPF_JMP | BPF_JGE | BPF_K, 0, 1, 424);
		verdict(FAIL(ENOSYS));
	}
	if (LISTED_ERRNO != 0) {
		/* There is no call for it: the request of ioctl(2) is what old kernels do not know. */
		when_equal(SYS_ioctl, 4);
		load(ARGUMENT(1));
		when_equal(LOOP_CONFIGURE, 1);
		verdict(FAIL(EINVAL));
		verdict(SECCOMP_RET_ALLOW);
	}
	for (at = 0; at < sizeof LISTED / sizeof *LISTED; at++)
		answer(LISTED[at], LISTED_ERRNO ? FAIL(LISTED_ERRNO) : SECCOMP_RET_ALLOW);
	verdict(LISTED_ERRNO ? SECCOMP_RET_ALLOW : FAIL(EPERM));
	filter.len = length;
	/* Who has CAP_SYS_ADMIN need not give up new privileges, as a container's runtime does not. */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter) == 0)
		return 0;
	return errno != EACCES || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	       syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
		       &filter) != 0;
}

int main(int argc, char **argv)
{
	if (argc < 1 || install()) {
		perror("filtered");
		return 99;
	}
#ifdef DOCKER
	if (drop_capabilities()) {
		perror("filtered");
		return 99;
	}
#endif
#ifdef PROGRAM
	execv(PROGRAM, argv);
	perror(PROGRAM);
#else
	if (argc > 1)
		execvp(argv[1], argv + 1);
	perror("filtered");
#endif
	return 99;
}
