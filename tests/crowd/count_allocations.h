/* Counts this program's calls of malloc, calloc and realloc, by standing in front of the C library's. Include
 * in one file. A sanitizer stands there already: then nothing is counted, and `ALLOCATIONS_ARE_COUNTED` is 0.
 */
#ifndef SCI_TESTS_COUNT_ALLOCATIONS_H
#define SCI_TESTS_COUNT_ALLOCATIONS_H

#include <stddef.h>

static size_t allocation_count;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ALLOCATIONS_ARE_COUNTED 0
#else
#define ALLOCATIONS_ARE_COUNTED 1
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);

void *malloc(size_t size)
{
    allocation_count++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocation_count++;
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    allocation_count++;
    return __libc_realloc(old, size);
}
#endif

#endif
