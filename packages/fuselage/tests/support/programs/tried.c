/* Tries calls with arguments that mean nothing and says of each how it was answered: `CALL: WORDS`. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/loop.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static void say(const char *call, long result)
{
	printf("%s: %s\n", call, result < 0 ? strerror(errno) : "done");
}

int main(void)
{
	say("openat2", syscall(SYS_openat2, -1, NULL, NULL, 0));
	say("statx", syscall(SYS_statx, -1, NULL, 0, 0, NULL));
	say("clone3", syscall(SYS_clone3, NULL, 0));
	say("close_range", syscall(SYS_close_range, 2, 1, 0));
	say("mount_setattr", syscall(SYS_mount_setattr, -1, NULL, 0, NULL, 0));
	say("LOOP_CONFIGURE", ioctl(-1, LOOP_CONFIGURE, NULL));
	say("LOOP_SET_FD", ioctl(-1, LOOP_SET_FD, NULL));
	say("unshare", syscall(SYS_unshare, 0));
	say("mount", syscall(SYS_mount, NULL, NULL, NULL, 0, NULL));
	/* Of nothing: what is allowed fails without a new process. */
	say("clone(CLONE_NEWUSER)", syscall(SYS_clone, CLONE_NEWUSER | CLONE_FS, NULL, NULL, NULL, 0));
	say("clone(CLONE_SIGHAND)", syscall(SYS_clone, CLONE_SIGHAND, NULL, NULL, NULL, 0));
	return 0;
}
