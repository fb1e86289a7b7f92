// SPDX-License-Identifier: EUPL-1.2
// xml.h - XML from outside, read into a tree with libxml2, and text written as XML.
//
// What a message needs is elements and text. A DOCTYPE is refused as soon as it begins, so no
// entity is ever declared, nothing can grow inside the parser and nothing outside the message
// is looked at: no file, no network. What is too large or too deep is refused as well.
#ifndef ACCESS_XML_H
#define ACCESS_XML_H

#include <libxml/tree.h>
#include <stdbool.h>
#include <stdio.h>

#include "vigie/vigie.h"

enum {
    XML_BYTES_MAX = 64 << 10, // a request has about 1 KiB
    XML_DEPTH_MAX = 32,       // a request has 8
};

// xml_open reads a whole document.
//
// Borrows: the bytes. Gives: a document (xml_close).
// Returns VG_OK; VG_TOO_LARGE; VG_MALFORMED: no XML, a DOCTYPE, or too deep. The sentence has
// no word of the document's text. Thread: any, one document each.
enum vg_status xml_open(const char *at, size_t len, xmlDoc **ret_document,
                        struct vg_error *error);
void xml_close(xmlDoc **document);

// xml_is says whether an element has this local name, in whatever namespace: senders differ.
bool xml_is(const xmlNode *element, const char *name);

// xml_first and xml_next give an element's child elements in order; NULL: no more.
const xmlNode *xml_first(const xmlNode *element);
const xmlNode *xml_next(const xmlNode *child);

// xml_text copies an element's text with its white space collapsed (XML Schema's "collapse").
// False when there are elements in it or when it has size bytes or more.
bool xml_text(const xmlNode *element, char *ret_text, size_t size);

// xml_write writes text where XML wants it escaped; what no document may hold becomes '?'.
void xml_write(FILE *out, const char *text);

// xml_write_element writes <name>text</name>.
void xml_write_element(FILE *out, const char *name, const char *text);

#endif
