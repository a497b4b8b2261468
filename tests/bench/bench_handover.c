/*
 * How far off boxes, the density network and the hand-over between them are, by how dense it is. Each picture
 * is cut into the hand-over's blocks; per band of what the network sees in a block: blocks, people, and each
 * way's bias and root mean square error, people per block.
 *
 *   bench_handover DENSITY.onnx DETECTOR.onnx IMAGE...      heads in NAME.csv beside NAME.jpg; pictures that
 *                                                           neither network was trained on
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "config/config.h"
#include "crowd/handover.h"
#include "media/image.h"
#include "pipeline/looks.h"

enum { BANDS = 12, WAYS = 3 }; /* boxes, density, blended */
static const double band_to[BANDS] = {0.03, 0.1, 0.2, 0.35, 0.6, 1, 1.7, 3, 5, 9, 16, 1e9};

struct band {
    double blocks, rate, people, bias[WAYS], square[WAYS];
};

struct bench {
    struct config *config;
    struct looks looks;
    struct network *network;
    struct network_context *context;
    struct density_network *density;
    struct density_context *density_context;
    struct handover *handover;
    struct band bands[BANDS];
};

static void must(int rc, const struct error *error)
{
    if (rc == 0)
        return;
    (void)fprintf(stderr, "bench_handover: %s\n", error->text);
    exit(1);
}

static void open_all(struct bench *b, const char *density, const char *detector)
{
    struct error error = {0};
    struct density_options d = {.model_path = density, .threads = 1};
    struct network_options n = {.model_path = detector, .threads = 1};
    must(config_load(NULL, &b->config, NULL, &error), &error);
    must(looks_make(&b->config->detection, 0, &b->looks, &error), &error);
    must(density_open(&d, &b->density, &error), &error);
    must(density_context_create(b->density, &b->density_context, &error), &error);
    must(network_open(&n, &b->network, &error), &error);
    must(network_context_create(b->network, &b->context, &error), &error);
    b->handover = handover_create();
    if (b->handover == NULL)
        exit(1);
}

/* Three counts of every block, row by row. */
struct blocks {
    int columns, rows;
    double width, height;
    double *people, *boxes, *density;
};

static void add_at(const struct blocks *k, double *counts, double x, double y)
{
    int column = (int)(x / k->width), row = (int)(y / k->height);
    if (column >= 0 && row >= 0 && column < k->columns && row < k->rows)
        counts[row * k->columns + column] += 1;
}

static void read_heads(const char *image, const struct blocks *k)
{
    char path[4096];
    struct buffer text = {0};
    struct error error = {0};
    const char *dot = strrchr(image, '.');
    (void)snprintf(path, sizeof path, "%.*s.csv", (int)(dot - image), image);
    must(file_read(path, 64 << 20, &text, &error), &error);
    for (char *line = strchr(text.data, '\n'); line != NULL && line[1] != '\0';
         line = strchr(line + 1, '\n')) {
        double x, y;
        if (sscanf(line + 1, "%lf,%lf", &x, &y) == 2)
            add_at(k, k->people, x, y);
    }
    buffer_free(&text);
}

static void sum_density(const struct count_map *map, const struct blocks *k)
{
    for (int y = 0; y < map->rows; y++)
        for (int x = 0; x < map->columns; x++)
            k->density[(y / HANDOVER_BLOCK_CELLS) * k->columns + x / HANDOVER_BLOCK_CELLS] +=
                (double)map->people[y * map->columns + x];
}

static void gather(struct bench *b, const struct blocks *k)
{
    for (int i = 0; i < k->columns * k->rows; i++) {
        struct point centre = {(i % k->columns + 0.5) * k->width, (i / k->columns + 0.5) * k->height};
        double w = handover_weight(b->handover, centre);
        double counts[WAYS] = {k->boxes[i], k->density[i], w * k->boxes[i] + (1 - w) * k->density[i]};
        struct band *band = b->bands;
        for (int n = 0; k->density[i] >= band_to[n]; n++)
            band++;
        band->blocks += 1;
        band->rate += k->density[i];
        band->people += k->people[i];
        for (int way = 0; way < WAYS; way++) {
            double error = counts[way] - k->people[i];
            band->bias[way] += error;
            band->square[way] += error * error;
        }
    }
}

static void weigh(struct bench *b, const struct density_result *r, const struct detection *found,
                  size_t count, const struct blocks *k)
{
    struct error error = {0};
    struct count_reading reading = density_reading(r);
    struct point *heads = malloc((count + 1) * sizeof *heads);
    size_t kept = 0;
    if (heads == NULL)
        exit(1);
    for (size_t i = 0; i < count; i++) {
        if ((double)found[i].score < b->config->detection.confidence)
            continue;
        heads[kept] = box_head(found[i].box);
        add_at(k, k->boxes, heads[kept].x, heads[kept].y);
        kept++;
    }
    must(handover_weigh(b->handover, &reading, heads, kept, COUNTING_AUTO, &error), &error);
    free(heads);
}

static void look(struct bench *b, const char *path)
{
    struct error error = {0};
    struct buffer bytes = {0};
    struct picture *picture = NULL;
    struct density_result r;
    const struct detection *found;
    size_t count;
    must(file_read(path, IMAGE_BYTES_MAX, &bytes, &error), &error);
    must(image_decode(bytes.data, bytes.size, &picture, &error), &error);
    must(density_infer(b->density, b->density_context, picture, &b->looks.density, &r, &error), &error);
    must(network_infer(b->network, b->context, picture, b->looks.view, &found, &count, &error), &error);
    struct blocks k = {.columns = (r.map.columns + HANDOVER_BLOCK_CELLS - 1) / HANDOVER_BLOCK_CELLS,
                       .rows = (r.map.rows + HANDOVER_BLOCK_CELLS - 1) / HANDOVER_BLOCK_CELLS,
                       .width = r.map.cell_width * HANDOVER_BLOCK_CELLS,
                       .height = r.map.cell_height * HANDOVER_BLOCK_CELLS};
    size_t n = (size_t)k.columns * (size_t)k.rows;
    k.people = calloc(3 * n, sizeof *k.people);
    if (k.people == NULL)
        exit(1);
    k.boxes = k.people + n;
    k.density = k.boxes + n;
    weigh(b, &r, found, count, &k);
    read_heads(path, &k);
    sum_density(&r.map, &k);
    gather(b, &k);
    free(k.people);
    picture_unref(&picture);
    buffer_free(&bytes);
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    if (argc < 4) {
        (void)fprintf(stderr, "bench_handover DENSITY.onnx DETECTOR.onnx IMAGE...\n");
        return 2;
    }
    open_all(&b, argv[1], argv[2]);
    for (int i = 3; i < argc; i++)
        look(&b, argv[i]);
    printf("%8s %8s %8s %9s %9s %9s %9s %9s %9s\n", "network", "blocks", "people", "boxes", "rmse", "density",
           "rmse", "blended", "rmse");
    for (int i = 0; i < BANDS; i++) {
        const struct band *k = &b.bands[i];
        double n = k->blocks;
        if (n < 1)
            continue;
        printf("%8.3f %8.0f %8.3f", k->rate / n, n, k->people / n);
        for (int way = 0; way < WAYS; way++)
            printf(" %+9.3f %9.3f", k->bias[way] / n, sqrt(k->square[way] / n));
        printf("\n");
    }
    handover_destroy(&b.handover);
    density_context_destroy(&b.density_context);
    density_close(&b.density);
    network_context_destroy(&b.context);
    network_close(&b.network);
    looks_free(&b.looks);
    config_unref(&b.config);
    return 0;
}
