/* Has itself traced by its parent, prints `ready` and stops, by a signal that would end others. */
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>

int main(void)
{
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	puts("ready");
	fflush(stdout);
	raise(SIGUSR1);
	return 4;
}
