/* parseal-bench load: what threads gain, and what they cost, on a machine that is busy besides. */
#ifndef PARSEAL_BENCH_CPU_LOAD_H
#define PARSEAL_BENCH_CPU_LOAD_H

/* argv[0] is "load". Returns the exit status. */
int load_main(int argc, char **argv);

#endif
