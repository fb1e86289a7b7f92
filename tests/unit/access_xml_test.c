// SPDX-License-Identifier: EUPL-1.2
// Goal: XML from outside is elements and text and nothing more; no entity grows, no file and
// no network is looked at; text that is written is read back as it was.
// Method: documents as strings; a file beside the test that an external entity names.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "xml.h"

static void
refuses(const char *text, const char *words)
{
    xmlDoc *document = NULL;
    struct vg_error error = {0};

    assert_int_equal(xml_open(text, strlen(text), &document, &error), VG_MALFORMED);
    assert_null(document);
    if (strstr(error.sentence, words) == NULL) {
        fail_msg("\"%s\" has no \"%s\"", error.sentence, words);
    }
}

static void
a_doctype_is_refused_before_its_declarations(void **state)
{
    (void)state;
    refuses("<!DOCTYPE a><a/>", "DOCTYPE");
    refuses("<!DOCTYPE a SYSTEM \"http://127.0.0.1:1/a.dtd\"><a/>", "DOCTYPE");
    refuses("<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/hostname\">]><a>&b;</a>",
            "DOCTYPE");
    refuses("<!DOCTYPE a [<!ENTITY % b SYSTEM \"http://127.0.0.1:1/\"> %b;]><a/>",
            "DOCTYPE");
    // What is wrong in the declarations is never reached.
    refuses(
        "<!DOCTYPE a [<!ENTITY b \"1\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\"> junk ]>"
        "<a>&c;</a>",
        "DOCTYPE");
}

static void
an_entity_nobody_declared_is_no_xml(void **state)
{
    (void)state;
    refuses("<a>&b;</a>", "line 1");
}

static void
what_is_not_well_formed_is_refused_with_its_line(void **state)
{
    (void)state;
    refuses("<a>\n<b>\n</a>", "line 3");
    refuses("", "empty");
    refuses("no XML", "line 1");
    refuses("<a>\xff</a>", "line 1");
}

static void
depth_and_size_have_an_end(void **state)
{
    static char big[XML_BYTES_MAX + 2];
    char deep[8 * (XML_DEPTH_MAX + 1) + 1] = "";
    xmlDoc *document = NULL;
    struct vg_error error = {0};

    (void)state;
    for (int i = 0; i <= XML_DEPTH_MAX; i++) {
        strcat(deep, "<a>");
    }
    for (int i = 0; i <= XML_DEPTH_MAX; i++) {
        strcat(deep, "</a>");
    }
    refuses(deep, "deep");
    deep[strlen(deep) - 4] = '\0'; // one less
    assert_int_equal(xml_open(deep + 3, strlen(deep) - 3, &document, &error), VG_OK);
    xml_close(&document);
    memset(big, ' ', sizeof big - 1);
    memcpy(big, "<a/>", 4);
    assert_int_equal(xml_open(big, XML_BYTES_MAX, &document, &error), VG_OK);
    xml_close(&document);
    assert_int_equal(xml_open(big, XML_BYTES_MAX + 1, &document, &error), VG_TOO_LARGE);
}

static void
no_sentence_has_words_of_the_text(void **state)
{
    static const char text[] = "<a>66641066692</b>";
    xmlDoc *document = NULL;
    struct vg_error error = {0};

    (void)state;
    assert_int_equal(xml_open(text, strlen(text), &document, &error), VG_MALFORMED);
    assert_null(strstr(error.sentence, "66641066692"));
}

static void
text_is_collapsed_and_has_no_elements(void **state)
{
    static const char text[] = "<a><b> x \n y&amp;<![CDATA[<z> ]]><!-- c --></b>"
                               "<b>x<c/></b><b/><b>123456789</b></a>";
    xmlDoc *document = NULL;
    struct vg_error error = {0};
    const xmlNode *node;
    char word[10];

    (void)state;
    assert_int_equal(xml_open(text, strlen(text), &document, &error), VG_OK);
    node = xml_first(xmlDocGetRootElement(document));
    assert_true(xml_is(node, "b"));
    assert_true(xml_text(node, word, sizeof word));
    assert_string_equal(word, "x y&<z>");
    node = xml_next(node);
    assert_false(xml_text(node, word, sizeof word));
    node = xml_next(node);
    assert_true(xml_text(node, word, sizeof word));
    assert_string_equal(word, "");
    node = xml_next(node);
    assert_true(xml_text(node, word, sizeof word)); // nine and a zero fit into ten
    assert_false(xml_text(node, word, sizeof word - 1));
    assert_null(xml_next(node));
    xml_close(&document);
}

static void
latin_1_comes_in_as_utf_8(void **state)
{
    static const char text[] =
        "<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9t\xe9</a>";
    xmlDoc *document = NULL;
    struct vg_error error = {0};
    char word[10];

    (void)state;
    assert_int_equal(xml_open(text, strlen(text), &document, &error), VG_OK);
    assert_true(xml_text(xmlDocGetRootElement(document), word, sizeof word));
    assert_string_equal(word, "\xc3\xa9t\xc3\xa9");
    xml_close(&document);
}

static void
what_is_written_is_read_back(void **state)
{
    static const char harsh[] = "<&>\"' \xc3\xa9 \xff\x01 ]]> \xf0\x9f\x98\x80 \xc3";
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    xmlDoc *document = NULL;
    struct vg_error error = {0};
    char word[64];

    (void)state;
    assert_non_null(out);
    xml_write_element(out, "a", harsh);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(xml_open(text, len, &document, &error), VG_OK);
    assert_true(xml_text(xmlDocGetRootElement(document), word, sizeof word));
    assert_string_equal(word, "<&>\"' \xc3\xa9 ?? ]]> \xf0\x9f\x98\x80 ?");
    xml_close(&document);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_doctype_is_refused_before_its_declarations),
        cmocka_unit_test(an_entity_nobody_declared_is_no_xml),
        cmocka_unit_test(what_is_not_well_formed_is_refused_with_its_line),
        cmocka_unit_test(depth_and_size_have_an_end),
        cmocka_unit_test(no_sentence_has_words_of_the_text),
        cmocka_unit_test(text_is_collapsed_and_has_no_elements),
        cmocka_unit_test(latin_1_comes_in_as_utf_8),
        cmocka_unit_test(what_is_written_is_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
