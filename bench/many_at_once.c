/* Starts a program many times at once and waits for all; the status is the number that failed.
 * usage: many_at_once COUNT PROGRAM ARG… */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int count = argc > 2 ? atoi(argv[1]) : 0;
	int failed = 0;
	int status;

	if (count < 1)
		return 99;
	for (int i = 0; i < count; i++) {
		pid_t child = fork();

		if (child == 0) {
			execv(argv[2], argv + 2);
			_exit(98);
		}
		failed += child < 0;
	}
	while (wait(&status) > 0)
		failed += status != 0;
	if (failed > 0)
		fprintf(stderr, "%d of %d failed\n", failed, count);
	return failed;
}
