/* Stacks for code that is not ours and takes what it likes, such as compilers in GPUs' runtimes. */
#ifndef PARSEAL_HOST_SUPPORT_LARGE_STACK_H
#define PARSEAL_HOST_SUPPORT_LARGE_STACK_H

/* Calls work(arg) on a stack of LARGE_STACK_LEFT bytes or more: on the calling thread
 * where that has so much left, else on a new one, which is waited for. Where no thread can
 * be started, and where there are none, it is the calling one all the same. The last error
 * is the calling thread's. */
enum { LARGE_STACK_LEFT = 4 << 20 };
void with_large_stack(void (*work)(void *arg), void *arg);

#endif
