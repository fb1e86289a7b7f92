// SPDX-License-Identifier: EUPL-1.2
#include "xml.h"

#include <libxml/SAX2.h>
#include <libxml/chvalid.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <stdarg.h>
#include <string.h>

// ---- reading ----

// What the parser met that it may not meet.
struct watch {
    bool doctype;
    bool too_deep;
};

static enum vg_status __attribute__((format(printf, 3, 4)))
refuse(struct vg_error *error, enum vg_status status, const char *format, ...)
{
    va_list words;

    error->status = status;
    va_start(words, format);
    (void)vsnprintf(error->sentence, sizeof error->sentence, format, words);
    va_end(words);
    return status;
}

// Called at "<!DOCTYPE name", before a declaration in it is read.
static void
on_doctype(void *context, const xmlChar *name, const xmlChar *external,
           const xmlChar *system)
{
    xmlParserCtxt *parser = context;
    struct watch *watch = parser->_private;

    (void)name;
    (void)external;
    (void)system;
    watch->doctype = true;
    xmlStopParser(parser);
}

static void
on_element(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
           int namespaces_len, const xmlChar **namespaces, int attributes_len,
           int defaults_len, const xmlChar **attributes)
{
    xmlParserCtxt *parser = context;
    struct watch *watch = parser->_private;

    if (parser->nodeNr >= XML_DEPTH_MAX) {
        watch->too_deep = true;
        xmlStopParser(parser);
        return;
    }
    xmlSAX2StartElementNs(context, name, prefix, uri, namespaces_len, namespaces,
                          attributes_len, defaults_len, attributes);
}

static enum vg_status
parse(xmlParserCtxt *parser, struct vg_error *error)
{
    struct watch watch = {0};

    parser->_private = &watch;
    // No XML_PARSE_NOENT, no XML_PARSE_DTDLOAD, no XML_PARSE_HUGE.
    (void)xmlCtxtUseOptions(parser,
                            XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    parser->sax->internalSubset = on_doctype;
    parser->sax->startElementNs = on_element;
    (void)xmlParseDocument(parser);
    parser->_private = NULL;
    if (watch.doctype) {
        return refuse(error, VG_MALFORMED,
                      "the message has a DOCTYPE: neither that nor entities are taken");
    }
    if (watch.too_deep) {
        return refuse(error, VG_MALFORMED, "the message is over %d elements deep",
                      XML_DEPTH_MAX);
    }
    if (parser->wellFormed == 0 || parser->myDoc == NULL) {
        return refuse(error, VG_MALFORMED,
                      "the message is not well-formed XML: line %d, libxml2's error %d",
                      parser->lastError.line, parser->lastError.code);
    }
    return VG_OK;
}

enum vg_status
xml_open(const char *at, size_t len, xmlDoc **ret_document, struct vg_error *error)
{
    xmlParserCtxt *parser;
    enum vg_status status;

    if (len > XML_BYTES_MAX) {
        return refuse(error, VG_TOO_LARGE, "the message has %zu bytes, at most %d", len,
                      XML_BYTES_MAX);
    }
    if (len == 0) {
        return refuse(error, VG_MALFORMED, "the message is empty");
    }
    parser = xmlCreateMemoryParserCtxt(at, (int)len);
    if (parser == NULL) {
        return refuse(error, VG_NO_MEMORY, "no memory for a message");
    }
    status = parse(parser, error);
    if (status == VG_OK) {
        *ret_document = parser->myDoc;
    } else {
        xmlFreeDoc(parser->myDoc);
    }
    parser->myDoc = NULL;
    xmlFreeParserCtxt(parser);
    return status;
}

void
xml_close(xmlDoc **document)
{
    xmlFreeDoc(*document);
    *document = NULL;
}

// ---- the tree ----

bool
xml_is(const xmlNode *element, const char *name)
{
    return strcmp((const char *)element->name, name) == 0;
}

static const xmlNode *
element_from(const xmlNode *node)
{
    while (node != NULL && node->type != XML_ELEMENT_NODE) {
        node = node->next;
    }
    return node;
}

const xmlNode *
xml_first(const xmlNode *element)
{
    return element_from(element->children);
}

const xmlNode *
xml_next(const xmlNode *child)
{
    return element_from(child->next);
}

// Adds to a text that ends without white space; `gap`: some was seen since.
static bool
add_collapsed(const char *from, char *text, size_t size, size_t *len, bool *gap)
{
    for (; *from != '\0'; from++) {
        if (strchr(" \t\r\n", *from) != NULL) {
            *gap = *len > 0;
            continue;
        }
        if (*len + (*gap ? 2 : 1) >= size) {
            return false;
        }
        if (*gap) {
            text[(*len)++] = ' ';
        }
        text[(*len)++] = *from;
        *gap = false;
    }
    return true;
}

bool
xml_text(const xmlNode *element, char *ret_text, size_t size)
{
    size_t len = 0;
    bool gap = false;

    ret_text[0] = '\0';
    for (const xmlNode *node = element->children; node != NULL; node = node->next) {
        if (node->type == XML_COMMENT_NODE || node->type == XML_PI_NODE) {
            continue;
        }
        if ((node->type != XML_TEXT_NODE && node->type != XML_CDATA_SECTION_NODE) ||
            !add_collapsed((const char *)node->content, ret_text, size, &len, &gap)) {
            ret_text[0] = '\0';
            return false;
        }
    }
    ret_text[len] = '\0';
    return true;
}

// ---- writing ----

static void
write_character(FILE *out, const char *at, int len, int character)
{
    switch (character) {
    case '&':
        fputs("&amp;", out);
        break;
    case '<':
        fputs("&lt;", out);
        break;
    case '>':
        fputs("&gt;", out);
        break;
    case '"':
        fputs("&quot;", out);
        break;
    case '\r': // read back, it would be a line feed
        fputs("&#13;", out);
        break;
    default:
        fwrite(at, 1, (size_t)len, out);
    }
}

void
xml_write(FILE *out, const char *text)
{
    while (*text != '\0') {
        int len = (int)strnlen(text, 4); // in: what there is; out: of this character
        int character = xmlGetUTF8Char((const unsigned char *)text, &len);

        if (character < 0 || !xmlIsCharQ((unsigned)character)) {
            fputc('?', out);
            text++;
            continue;
        }
        write_character(out, text, len, character);
        text += len;
    }
}

void
xml_write_element(FILE *out, const char *name, const char *text)
{
    fprintf(out, "<%s>", name);
    xml_write(out, text);
    fprintf(out, "</%s>", name);
}
