/* Memory that dies together (one picture's detections, one request). Not thread-safe. */
#ifndef SCI_BASE_ARENA_H
#define SCI_BASE_ARENA_H

#include <stddef.h>

struct arena; /* opaque */

struct arena *arena_create(size_t block_size); /* NULL without memory */
void arena_destroy(struct arena *arena);       /* NULL is fine */
/* Aligned for any type, zeroed. NULL without memory or when count * size overflows. */
void *arena_alloc(struct arena *arena, size_t count, size_t size);
char *arena_copy_text(struct arena *arena, const char *text);
/* Forgets everything, keeps the blocks: a steady state allocates nothing. */
void arena_reset(struct arena *arena);

#endif
