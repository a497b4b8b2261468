/* Which family a network is of. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "vision/family.h"

enum { LIST_TEXT = 256 };

const struct family *const families[] = {&family_nanodet, &family_nanodet_plus, &family_yolov5,
                                         &family_yolov8,  &family_yolox,        NULL};

static void list_shapes(const struct raw_outputs *outputs, char out[LIST_TEXT])
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < outputs->count && used < LIST_TEXT - 1; i++) {
        char shape[TENSOR_SHAPE_TEXT];
        tensor_shape_text(outputs->tensors[i].shape, outputs->tensors[i].rank, shape);
        text_format(out + used, LIST_TEXT - used, "%s%s", i == 0 ? "" : ", ", shape);
        used += strlen(out + used);
    }
}

static void list_families(char out[LIST_TEXT])
{
    size_t used = 0;
    for (size_t i = 0; families[i] != NULL && used < LIST_TEXT - 1; i++) {
        text_format(out + used, LIST_TEXT - used, "%s%s", i == 0 ? "" : ", ", families[i]->name);
        used += strlen(out + used);
    }
}

int family_find(const char *name, const char *path, const struct family **family, struct error *error)
{
    *family = NULL;
    if (name == NULL || strcmp(name, "auto") == 0)
        return 0;
    for (size_t i = 0; families[i] != NULL; i++)
        if (strcmp(families[i]->name, name) == 0)
            *family = families[i];
    if (*family != NULL)
        return 0;
    char known[LIST_TEXT];
    list_families(known);
    return error_set(error, ERR_INVALID, "model %s: no family \"%s\"; there are auto, %s, hog", path, name,
                     known);
}

int family_match(const struct family **family, const char *path, const struct raw_outputs *outputs,
                 struct error *error)
{
    char shapes[LIST_TEXT], known[LIST_TEXT];
    if (*family != NULL) {
        if ((*family)->fits(outputs))
            return 0;
        list_shapes(outputs, shapes);
        return error_set(error, ERR_FORMAT, "model %s: outputs %s for an input of %dx%d; family %s needs %s",
                         path, shapes, outputs->width, outputs->height, (*family)->name, (*family)->needs);
    }
    for (size_t i = 0; families[i] != NULL; i++) {
        if (families[i]->fits(outputs)) {
            *family = families[i];
            return 0;
        }
    }
    list_shapes(outputs, shapes);
    list_families(known);
    return error_set(error, ERR_FORMAT,
                     "model %s: outputs %s for an input of %dx%d are of no known family (%s)", path, shapes,
                     outputs->width, outputs->height, known);
}
