/* parseal-bench server: a server's work in the rounds that papers report. */
#ifndef PARSEAL_BENCH_CPU_SERVER_H
#define PARSEAL_BENCH_CPU_SERVER_H

/* argv[0] is "server". Returns the exit status. */
int server_main(int argc, char **argv);

#endif
