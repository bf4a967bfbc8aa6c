/* Tells which signals it gets: handles every signal that can be handled, prints `ready`, then one line
 * for each that comes, `NUMBER` or `NUMBER=VALUE` of sigqueue(3), and ends with status 3 after SIGTERM. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	sigset_t all;
	siginfo_t info;
	int number;

	sigfillset(&all);
	sigdelset(&all, SIGTSTP);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("ready");
	while ((number = sigwaitinfo(&all, &info)) > 0) {
		if (info.si_code == SI_QUEUE)
			printf("%d=%d\n", number, info.si_value.sival_int);
		else
			printf("%d\n", number);
		if (number == SIGTERM)
			return 3;
	}
	return 4;
}
