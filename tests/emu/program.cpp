/* A file of kernels, compiled as C++ and handed to the emulator. PROGRAM: the file;
 * PROGRAM_KERNELS: its kernels in kernels/kernels.h, or in the file itself. */
#include "kernels/kernels.h"

#include PROGRAM

#include "launcher.h"

#define ROW(program, name, threads, shared, items) {#name, emulated::bind<name>},
static const emulated::kernel kernels[] = {PROGRAM_KERNELS(ROW)};
static const emulated::registration registered(kernels, sizeof kernels / sizeof kernels[0]);
