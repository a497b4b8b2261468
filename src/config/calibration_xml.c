#include "config/calibration_xml.h"

#include <expat.h>
#include <stdbool.h>
#include <string.h>

#include "base/text.h"

enum { XML_SIZE_MAX = 1 << 20 };

struct number {
    const char *element, *attribute;
    size_t offset; /* in struct camera_tsai */
};

#define NUMBER(element, attribute, member)                                                                   \
    {                                                                                                        \
        element, attribute, offsetof(struct camera_tsai, member)                                             \
    }
static const struct number numbers[] = {
    NUMBER("Geometry", "width", width),  NUMBER("Geometry", "height", height),
    NUMBER("Geometry", "ncx", ncx),      NUMBER("Geometry", "nfx", nfx),
    NUMBER("Geometry", "dx", dx),        NUMBER("Geometry", "dy", dy),
    NUMBER("Geometry", "dpx", dpx),      NUMBER("Geometry", "dpy", dpy),
    NUMBER("Intrinsic", "focal", focal), NUMBER("Intrinsic", "kappa1", kappa1),
    NUMBER("Intrinsic", "cx", cx),       NUMBER("Intrinsic", "cy", cy),
    NUMBER("Intrinsic", "sx", sx),       NUMBER("Extrinsic", "tx", tx),
    NUMBER("Extrinsic", "ty", ty),       NUMBER("Extrinsic", "tz", tz),
    NUMBER("Extrinsic", "rx", rx),       NUMBER("Extrinsic", "ry", ry),
    NUMBER("Extrinsic", "rz", rz),
};
enum { NUMBER_COUNT = sizeof numbers / sizeof numbers[0] };

struct xml_reader {
    XML_Parser parser;
    const char *name;
    struct camera_tsai *tsai;
    struct error *error;
    bool seen[NUMBER_COUNT];
    bool root_seen;
    int rc;
};

static void fail(struct xml_reader *reader, const char *what, const char *why)
{
    if (reader->rc != 0) {
        return;
    }
    reader->rc = error_set(reader->error, ERR_FORMAT, "%s:%lu:%lu: %.60s: %s", reader->name,
                           (unsigned long)XML_GetCurrentLineNumber(reader->parser),
                           (unsigned long)XML_GetCurrentColumnNumber(reader->parser) + 1, what, why);
    (void)XML_StopParser(reader->parser, XML_FALSE);
}

static void take_number(struct xml_reader *reader, size_t index, const char *text)
{
    double value = 0;
    if (reader->seen[index]) {
        fail(reader, numbers[index].attribute, "given twice");
    } else if (!text_to_double(text, &value)) {
        fail(reader, numbers[index].attribute, "expected a number");
    } else {
        reader->seen[index] = true;
        memcpy((char *)reader->tsai + numbers[index].offset, &value, sizeof value);
    }
}

static void take_attribute(struct xml_reader *reader, const char *element, const char *attribute,
                           const char *text)
{
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        if (strcmp(numbers[i].element, element) == 0 && strcmp(numbers[i].attribute, attribute) == 0) {
            take_number(reader, i, text);
        }
    }
}

static void XMLCALL on_start(void *user, const XML_Char *element, const XML_Char **attributes)
{
    struct xml_reader *reader = user;
    if (!reader->root_seen && strcmp(element, "Camera") != 0) {
        fail(reader, element, "not a camera calibration: the outermost element has to be Camera");
        return;
    }
    reader->root_seen = true;
    for (size_t i = 0; attributes[i] != NULL && reader->rc == 0; i += 2) {
        take_attribute(reader, element, attributes[i], attributes[i + 1]);
    }
}

/* A calibration needs no entities: none can be declared, so none can expand. */
static void XMLCALL on_doctype(void *user, const XML_Char *name, const XML_Char *system,
                               const XML_Char *public_id, int has_internal_subset)
{
    (void)system;
    (void)public_id;
    (void)has_internal_subset;
    fail(user, name, "a document type declaration is not accepted");
}

static int check_complete(const struct xml_reader *reader)
{
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        if (!reader->seen[i]) {
            return error_set(reader->error, ERR_FORMAT, "%s: the attribute %s of %s is missing", reader->name,
                             numbers[i].attribute, numbers[i].element);
        }
    }
    return 0;
}

int calibration_xml_parse(const char *text, size_t size, const char *name, struct camera_tsai *tsai,
                          struct error *error)
{
    if (size > XML_SIZE_MAX) {
        return error_set(error, ERR_FORMAT, "%s: larger than 1 MiB", name);
    }
    struct xml_reader reader = {.name = name, .tsai = tsai, .error = error};
    *tsai = (struct camera_tsai){0};
    reader.parser = XML_ParserCreate(NULL);
    if (reader.parser == NULL) {
        return error_nomem(error, name);
    }
    XML_SetUserData(reader.parser, &reader);
    XML_SetStartElementHandler(reader.parser, on_start);
    XML_SetStartDoctypeDeclHandler(reader.parser, on_doctype);
    if (XML_Parse(reader.parser, text, (int)size, XML_TRUE) == XML_STATUS_ERROR && reader.rc == 0) {
        enum XML_Error code = XML_GetErrorCode(reader.parser);
        fail(&reader, "not XML", XML_ErrorString(code));
        reader.rc = code == XML_ERROR_NO_MEMORY ? error_nomem(error, name) : reader.rc;
    }
    XML_ParserFree(reader.parser);
    return reader.rc != 0 ? reader.rc : check_complete(&reader);
}
