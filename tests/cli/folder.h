/* A temporary folder for the files of a test program. */
#ifndef TESTS_CLI_FOLDER_H
#define TESTS_CLI_FOLDER_H

#include <stddef.h>
#include <stdint.h>

/* cmocka group fixtures: make the folder, remove it with all files in it. */
int folder_create(void **state);
int folder_remove(void **state);

/* The path of a file in the folder; the text is overwritten by the fourth call after this one. */
const char *folder_path(const char *name);

/* How many files are in the folder. */
size_t folder_count(void);

/* Writes a file into the folder and returns its path, as folder_path does. */
const char *folder_write(const char *name, const void *bytes, size_t size);

/* A safetensors file: the length of `header`, `header`, then the data. */
const char *folder_write_safetensors(const char *name, const char *header, const void *data,
                                     size_t data_size);

#endif
