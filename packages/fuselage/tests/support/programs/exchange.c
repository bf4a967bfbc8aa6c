/* Swaps two names again and again, until it is killed: exchange ONE OTHER UID PAUSE, the pause being
 * at most so many microseconds after each swap. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define RENAME_EXCHANGE_FLAG 2

int main(int argc, char **argv)
{
	/* Only root becomes another group; anybody else has its own, of whatever number. */
	if (argc != 5 || (geteuid() == 0 && setgid(atoi(argv[3])) != 0))
		return 99;
	if (setuid(atoi(argv[3])) != 0)
		return 99;
	for (;;) {
		struct timespec pause = { 0, (rand() % atoi(argv[4])) * 1000L };

		if (syscall(SYS_renameat2, AT_FDCWD, argv[1], AT_FDCWD, argv[2],
			    RENAME_EXCHANGE_FLAG) != 0) {
			perror("renameat2");
			return 98;
		}
		nanosleep(&pause, NULL);
	}
}
