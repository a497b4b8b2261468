#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 }; /* a cache line: SIMD loads need no peeling */

struct block {
    struct block *next;
    size_t size, used; /* of `bytes` */
    unsigned char *bytes;
};

struct arena {
    struct block *first, *current;
    size_t block_size;
};

struct arena *arena_create(size_t block_size)
{
    struct arena *arena = calloc(1, sizeof *arena);
    if (arena)
        arena->block_size = block_size ? block_size : 4096;
    return arena;
}

void arena_destroy(struct arena *arena)
{
    if (!arena)
        return;
    for (struct block *b = arena->first, *next; b; b = next) {
        next = b->next;
        free(b->bytes);
        free(b);
    }
    free(arena);
}

static struct block *add_block(struct arena *arena, size_t least)
{
    size_t size = least > arena->block_size ? least : arena->block_size;
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct block *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->bytes = aligned_alloc(ALIGNMENT, size);
    if (!b->bytes) {
        free(b);
        return NULL;
    }
    b->size = size;
    if (arena->current) {
        b->next = arena->current->next;
        arena->current->next = b;
    } else {
        arena->first = b;
    }
    arena->current = b;
    return b;
}

/* The first block from `current` on with room; blocks behind `current` are empty after a reset. */
static struct block *block_with_room(struct arena *arena, size_t size)
{
    for (struct block *b = arena->current; b; b = b->next)
        if (b->size - b->used >= size) {
            arena->current = b;
            return b;
        }
    return add_block(arena, size);
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
    if (size && count > (SIZE_MAX / 2) / size)
        return NULL;
    size_t bytes = (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (bytes == 0)
        bytes = ALIGNMENT;
    struct block *b = block_with_room(arena, bytes);
    if (!b)
        return NULL;
    void *at = b->bytes + b->used;
    b->used += bytes;
    return memset(at, 0, count * size);
}

char *arena_copy_text(struct arena *arena, const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = arena_alloc(arena, n, 1);
    return copy ? memcpy(copy, text, n) : NULL;
}

void arena_reset(struct arena *arena)
{
    for (struct block *b = arena->first; b; b = b->next)
        b->used = 0;
    arena->current = arena->first;
}
