/* A search of the process's own memory and registers for secrets.
 *
 * Secrets are remembered as windows of 16 bytes, inverted, so that what is remembered is no hit
 * itself. Windows that have few different bytes could be anything and are left out. */
#ifndef PARSEAL_TESTS_SCAN_H
#define PARSEAL_TESTS_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void scan_forget(void);

/* Windows at every step-th byte of the n bytes at p. */
void scan_remember(const char *what, const volatile void *p, size_t n, size_t step);

/* The 32-bit words of the n bytes at p as vector code spreads them: four times each. */
void scan_remember_spread(const char *what, const volatile void *p, size_t n);

/* scan_leave_out leaves the n bytes at p out of the search, until scan_look_into(p). */
void scan_leave_out(const volatile void *p, size_t n);
void scan_look_into(const volatile void *p);

/* How often a window is found in memory that can be written: stacks of all threads, heap, data.
 * What is found is printed, with `when`. */
size_t scan_memory(const char *when);

/* Stores the calling thread's vector and general registers, as they are when it is called. */
enum { SCAN_REGISTERS = 32 * 64 + 32 * 8 };
typedef struct {
    _Alignas(64) uint8_t bytes[SCAN_REGISTERS];
} scan_registers;
void scan_store_registers(scan_registers *to);

/* How many windows are in them; they are cleared. */
size_t scan_stored(const char *when, scan_registers *stored);

#endif
