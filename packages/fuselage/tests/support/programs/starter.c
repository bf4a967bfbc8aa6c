/* Starts a program in an unusual state: descriptors 3 and 57 open, a soft limit of 777 open files,
 * SIGPIPE ignored, SIGUSR1 blocked, umask 027. What of it arrives is what the tests compare. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct rlimit limit;
	sigset_t blocked;
	int opened = open("/etc/hostname", O_RDONLY);

	if (argc < 2 || opened < 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 99;
	if (dup2(opened, 57) != 57 || dup2(opened, 3) != 3)
		return 99;
	if (opened != 3 && opened != 57)
		close(opened);
	limit.rlim_cur = 777;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 99;
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	umask(027);
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 99;
}
