// SPDX-License-Identifier: EUPL-1.2
// journal_page.c - the answer to "who got what about me" as a page for the person himself:
// plain HTML of one piece, without a script and without anything to be fetched.
#include <stdio.h>
#include <string.h>

#include "cli.h"

enum { DATE_LEN = 10, MOMENT_LEN = 16, NISS_SHOWN = 2 };

// ---- words ----

struct wording {
    const char *word; // of the answer
    const char *words;
};

static const struct wording states[] = {
    {"waiting", "kept for it; it has not confirmed it yet"},
    {"acknowledged", "it confirmed that it has it"},
    {"held", "it gave it back; it will be sent again"},
    {"parked", "it could not be handled; somebody has to look at it"},
    {"dropped", "it was given up and not handed over"},
    {"merged", "it was not sent alone: the next message of this kind stands for it"},
    {"withdrawn",
     "it was cancelled before it was handed over: neither it nor the cancellation "
     "was, as this institution has chosen"},
    {"unwanted", "it was not sent: this institution has asked not to be told of such "
                 "changes for files of this kind"},
};

static const struct wording acts[] = {
    {"integrate", "asked to be told of changes about you"},
    {"remove", "asked not to be told any more"},
    {"consult", "asked who follows you"},
    {"history", "asked which numbers you have had"},
    {"journal", "asked for this list"},
};

static const char *
wording_of(const struct wording *wordings, size_t len, const char *word)
{
    for (size_t i = 0; word != NULL && i < len; i++) {
        if (strcmp(wordings[i].word, word) == 0) {
            return wordings[i].words;
        }
    }
    return word;
}

// ---- pieces ----

static const char *
text_of(const json_t *row, const char *member)
{
    return json_string_value(json_object_get(row, member));
}

// Whatever stands in a name is text here.
static void
put_text(const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        switch (*text) {
        case '<':
            fputs("&lt;", stdout);
            break;
        case '>':
            fputs("&gt;", stdout);
            break;
        case '&':
            fputs("&amp;", stdout);
            break;
        case '"':
            fputs("&quot;", stdout);
            break;
        default:
            putchar(*text);
            break;
        }
    }
}

static void
put_cell(const char *text)
{
    fputs("<td>", stdout);
    put_text(text == NULL || text[0] == '\0' ? "not stated" : text);
    fputs("</td>", stdout);
}

// 2026-11-20T09:30:00.123456Z as "2026-11-20 09:30".
static void
put_moment(const char *moment)
{
    if (moment != NULL && strlen(moment) > MOMENT_LEN) {
        printf("%.*s %.*s", DATE_LEN, moment, MOMENT_LEN - DATE_LEN - 1,
               moment + DATE_LEN + 1);
    }
}

static void
put_moment_cell(const json_t *row)
{
    fputs("<td>", stdout);
    put_moment(text_of(row, "time"));
    fputs("</td>", stdout);
}

static void
put_who(const char *name, const char *code)
{
    fputs("<td>", stdout);
    if (name != NULL) {
        put_text(name);
        fputs(" (", stdout);
    }
    put_text(code == NULL ? "not known any more" : code);
    fputs(name != NULL ? ")</td>" : "</td>", stdout);
}

// Why it follows him, and in which days.
static void
put_why(const json_t *row)
{
    const char *meaning = text_of(row, "meaning");
    const json_t *quality = json_object_get(row, "quality");

    fputs("<td>", stdout);
    if (!json_is_integer(quality)) {
        put_text("this kind of message asks for no file on you");
    } else {
        put_text(meaning == NULL ? "it has a file on you" : meaning);
        printf(" (code %03d), from ", (int)json_integer_value(quality));
        put_text(text_of(row, "begin"));
        put_text(" until ");
        put_text(text_of(row, "end"));
    }
    fputs("</td>", stdout);
}

// ---- the two lists ----

static void
put_exchange(const json_t *row)
{
    const json_t *caught_up = json_object_get(row, "caught_up");
    const char *state = text_of(row, "state");

    fputs("<tr>", stdout);
    put_moment_cell(row);
    put_who(text_of(row, "name"), text_of(row, "institution"));
    fputs("<td>", stdout);
    put_text(text_of(row, "about") == NULL ? text_of(row, "flow")
                                           : text_of(row, "about"));
    put_text("; reported by ");
    put_text(text_of(row, "source"));
    if (caught_up != NULL) {
        put_text(json_object_get(caught_up, "cancellation") != NULL
                     ? "; late, because a later one that stood for it was taken back"
                     : "; late, because its integration was extended or opened");
    }
    fputs("</td>", stdout);
    put_why(row);
    put_cell(text_of(row, "ground"));
    fputs("<td>", stdout);
    put_text(wording_of(states, sizeof states / sizeof states[0], state));
    if (text_of(row, "state_time") != NULL) {
        put_text(", ");
        put_moment(text_of(row, "state_time"));
    }
    printf("</td><td>%lld</td></tr>\n",
           (long long)json_integer_value(json_object_get(row, "ticket")));
}

static void
put_question(const json_t *row)
{
    const char *status = text_of(row, "status");

    fputs("<tr>", stdout);
    put_moment_cell(row);
    put_who(text_of(row, "name"), text_of(row, "actor"));
    fputs("<td>", stdout);
    put_text(wording_of(acts, sizeof acts / sizeof acts[0], text_of(row, "act")));
    put_text(status != NULL && strcmp(status, "OK") == 0 ? "" : "; it was refused");
    printf("</td><td>%lld</td></tr>\n",
           (long long)json_integer_value(json_object_get(row, "ticket")));
}

static void
put_table(const char *heads, const json_t *rows, void (*put_row)(const json_t *row))
{
    size_t i;
    json_t *row;

    if (json_array_size(rows) == 0) {
        fputs("<p>Nobody, in this time.</p>\n", stdout);
        return;
    }
    printf("<table>\n<tr>%s</tr>\n", heads);
    json_array_foreach(rows, i, row)
    {
        put_row(row);
    }
    fputs("</table>\n", stdout);
}

static void
put_numbers(const json_t *numbers, bool own)
{
    size_t i;
    json_t *number;

    json_array_foreach(numbers, i, number)
    {
        const char *text = json_string_value(number);

        fputs(i == 0 ? "" : ", then ", stdout);
        printf(own ? "%s" : "%.2s*********", text == NULL ? "" : text);
    }
}

void
journal_page(const json_t *answer, bool own)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
          "<title>Who received data about you</title>\n<style>\n"
          "body{font-family:sans-serif;max-width:70em;margin:2em auto;padding:0 1em}\n"
          "table{border-collapse:collapse}\n"
          "th,td{border:1px solid #999;padding:.3em .6em;text-align:left;"
          "vertical-align:top}\n"
          "</style></head><body>\n<h1>Who received data about you</h1>\n"
          "<p>National number: ",
          stdout);
    put_numbers(json_object_get(answer, "numbers"), own);
    fputs(".<br>All that was sent since ", stdout);
    put_text(text_of(answer, "since"));
    fputs(". Times are in UTC. The last column is the number to name when you ask about "
          "a line.</p>\n",
          stdout);
    if (!json_is_true(json_object_get(answer, "complete"))) {
        fputs("<p><strong>There is more than this page holds.</strong></p>\n", stdout);
    }
    put_table("<th>When</th><th>Who</th><th>What</th><th>Why: its file on you</th>"
              "<th>Legal ground</th><th>What became of it</th><th>Ticket</th>",
              json_object_get(answer, "exchanges"), put_exchange);
    fputs("<h2>Who asked about you</h2>\n", stdout);
    put_table("<th>When</th><th>Who</th><th>What</th><th>Ticket</th>",
              json_object_get(answer, "asked"), put_question);
    fputs("</body></html>\n", stdout);
}
