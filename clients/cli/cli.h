// SPDX-License-Identifier: EUPL-1.2
// cli.h - what the sub-commands of `vigie` share.
//
// A thin user of the public C library (sources and members) and of the broker's HTTP port on
// loopback (administrators). Exit codes: 0 done; 1 refused (the sentence says why); 2 the
// words of the command are wrong; 3 no connection, or no answer in time; 4 the store or
// the files are damaged. Of reconcile also 8 and what differs, added up: 1 some integrations are only in the
// file, 2 some only in the directory, 4 some have other dates; thus 9 to 15.
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "hot/hot.h"
#include "vigie/vigie.h"

enum cli_exit {
    EXIT_DONE,
    EXIT_REFUSED,
    EXIT_USAGE,
    EXIT_NO_ANSWER,
    EXIT_DAMAGED,
    EXIT_DIFFERS = 8
};

struct cli;

// A command, or a verb of one ("add" of "institution").
struct cli_command {
    const char *name;
    const char *words; // that follow it: "NISS QUALITY BEGIN [END]"
    const char *meaning;
    int (*run)(struct cli *cli); // gives the exit code
};

// What every command is given.
struct cli {
    const char
        *home; // --home, $VIGIE_HOME or "vigie-home": the folder made by `vigie init`
    bool json; // --json: one JSON object or lines of them, nothing else
    bool help;
    char name[64];                     // "vigie institution add", for messages
    const struct cli_command *command; // that runs, NULL: none yet
    int argc;                          // what is left for the command
    char **argv;                       // argv[0] is its name
};

// cli_run runs the command that cli->argv[1] names, as its own argv[0], and gives its exit
// code. Without a name that is there it lists them all and gives EXIT_USAGE.
int cli_run(struct cli *cli, const struct cli_command *commands, size_t len);

// One option of a command: "--name WORD" or "--name=WORD"; "--name" alone when flag is set.
struct cli_option {
    const char *name;
    const char *word; // NULL for a flag
    const char *meaning;
    const char **value; // where it goes, Lends: argv's own bytes
    bool *flag;
};

// cli_options takes the options out of cli->argv and leaves the other words, whose number
// must lie between words_min and words_max. False when the command must end: what is wrong
// was printed, or with --help what is right.
bool cli_options(struct cli *cli, const struct cli_option *options, size_t options_len,
                 int words_min, int words_max);

// cli_wrong tells what is wrong with the words of a command line as every refusal is told:
// name, number, who can help, sentence. who: "vigie publish". The exit code is EXIT_USAGE.
void cli_wrong(const char *who, enum vg_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// cli_seconds reads a number of seconds, also of parts of one, with its limits; prints what
// is wrong.
bool cli_seconds(const char *name, const char *text, uint64_t min_ms, uint64_t max_ms,
                 uint64_t *ret_ms);

// cli_number reads a whole number with its limits; prints what is wrong.
bool cli_number(const char *name, const char *text, uint64_t min, uint64_t max,
                uint64_t *ret);

// ---- files of the home folder ----

// Paths inside the home folder; the text is the caller's (free).
char *home_path(const struct cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// home_ready reads a value from run/vigied.ready ("sources", "members", "http"). The text is
// the caller's (free); NULL when the broker is not running.
char *home_ready(const struct cli *cli, const char *name);

// home_value reads "name: value" from any file of such lines; NULL when it is not there.
char *home_value(const char *path, const char *name);

#define ANCHOR_KEY_FILE "anchor.key"

// anchor_key_make draws the key that signs the journal and writes its file, for its owner
// alone. False with errno, also when there is one.
bool anchor_key_make(const char *path);

// file_read reads a whole file with a zero behind it (free); NULL with errno.
char *file_read(const char *path, size_t *ret_len);

// file_write writes a new file; mode is its rights. False with errno.
bool file_write(const char *path, const char *text, unsigned mode);

// key_broker_lines gives the lines of a key file that say where the broker is (free).
char *key_broker_lines(const struct cli *cli);

// key_file_write makes a member's, source's or operator's key file: keys/NAME.key, or when
// that is there NAME.2.key, NAME.3.key ... Gives its path (free); NULL when it cannot, and what
// is wrong was printed.
char *key_file_write(const struct cli *cli, const char *name, const char *public_key,
                     const char *secret_key);

// key_path gives the file that KEY names: a path, or the name of a file in the home folder's
// keys (free).
char *key_path(const struct cli *cli, const char *key);

// key_address opens a key file for a door ("sources", "members"). Gives: vg_address_free.
// NULL when it cannot; what is wrong was printed.
struct vg_address *key_address(const struct cli *cli, const char *key, const char *door);

// ---- what a person sees ----

// cli_refused prints an outcome: name, number, who can help, sentence. Gives the exit code.
int cli_refused(const struct cli *cli, const struct vg_error *error);

// cli_exit_of gives the exit code of an outcome that is not a yes.
int cli_exit_of(enum vg_status status);

// cli_print prints an object as one line and drops the reference.
void cli_print(json_t *object);

// A table: columns are "name:member" or "name:member:right"; rows are objects.
void cli_table(const char *const *columns, size_t columns_len, const json_t *rows);

// ---- the broker's HTTP port ----

struct admin_answer {
    int http;     // status, 0: no connection
    json_t *body; // NULL when it was not JSON
    char *text;
    size_t text_len;
};

// admin_call asks the broker; body NULL: GET, otherwise POST of body_len bytes.
void admin_call(const struct cli *cli, const char *path, const char *body,
                size_t body_len, struct admin_answer *ret);
void admin_answer_clear(struct admin_answer *answer);

// admin_show asks and prints: a table of the rows in `member` of the answer, or the whole of
// it with --json. Gives the exit code.
int admin_show(const struct cli *cli, const char *path, const char *const *columns,
               size_t columns_len, const char *member);

// admin_done prints a refusal; true when the answer is a yes.
bool admin_done(const struct cli *cli, const struct admin_answer *answer, int *ret_exit);

// admin_add_institution registers one. Prints what is wrong.
bool admin_add_institution(const struct cli *cli, json_t *institution, int *ret_exit);

// admin_register_key lets the broker know a public key. Prints what is wrong.
bool admin_register_key(const struct cli *cli, const char *code, const char *role,
                        const char *public_key, int *ret_exit);

// admin_add_key draws a new key, registers it and writes its file (key_file_write, named
// CODE.ROLE). *ret_path is that file (free); ret_path may be NULL. Prints what is wrong.
bool admin_add_key(const struct cli *cli, const char *code, const char *role,
                   char **ret_path, int *ret_exit);

struct integrate_job {
    const char *path; // "-": standard input
    const char *key;
    const char *institution; // an operator acts for it, where a line names none; or NULL
    bool each;               // with --json: a result for every line
    const char *results;     // a file for them, from which a next run goes on; or NULL
};

// integrate_file loads a file of integrations, a thousand at a time. Prints every refusal
// (or writes every result, clients/cli/results.h) and how many there were; gives the exit
// code.
int integrate_file(struct cli *cli, const struct integrate_job *job);

struct publish_job {
    const char *key; // of a source; NULL: that is said to be missing
    uint32_t producer;
    FILE *file; // JSON lines
    bool quiet; // print only what was refused
};

// publish_lines publishes mutations, waits for their answers and prints them; gives the exit
// code.
int publish_lines(struct cli *cli, const struct publish_job *job);

// mutation_of views the wire's mutation as the library's.
void mutation_of(const struct hot_mutation *from, struct vg_mutation *to);

// home_make fills a broker's folder: settings, catalogue, keys, token. Prints what is wrong.
bool home_make(const struct cli *cli);

// journal_page prints who got what about a person as an HTML page for him (journal_page.c).
// own: his numbers stand in full.
void journal_page(const json_t *answer, bool own);
// The verbs of `vigie journal` with a source of their own: journal_verify reads exported files
// and follows their hashes, journal_anchor and journal_key show what is signed and by whom.
int journal_verify(struct cli *cli);
int journal_anchor(struct cli *cli);
int journal_key(struct cli *cli);

// ---- the sub-commands ----

int command_init(struct cli *cli);
int command_keygen(struct cli *cli);
int command_institution(struct cli *cli);
int command_integrate(struct cli *cli);
int command_remove(struct cli *cli);
int command_consult(struct cli *cli);
int command_history(struct cli *cli);
int command_integrations(struct cli *cli);
int command_reconcile(struct cli *cli);
int command_mailbox(struct cli *cli);
int command_parked(struct cli *cli);
int command_feedback(struct cli *cli);
int command_publish(struct cli *cli);
int command_subscribe(struct cli *cli);
int command_queues(struct cli *cli);
int command_sources(struct cli *cli);
int command_damage(struct cli *cli);
int command_explain(struct cli *cli);
int command_journal(struct cli *cli);
int command_catalogue(struct cli *cli);
int command_dry_run(struct cli *cli);
int command_check(struct cli *cli);
int command_backup(struct cli *cli);
int command_restore(struct cli *cli);
int command_repair(struct cli *cli);
int command_simulate(struct cli *cli);

// become_vigied makes a fresh child vigied, with these words; it does not return.
// exit_of_vigied gives the exit code for what waitpid told of it.
void become_vigied(const char *const words[]);
int exit_of_vigied(int status);

// run_with_settings runs vigied with the settings of this home folder and these options, NULL
// at the end. Gives an exit code.
int run_with_settings(const struct cli *cli, const char *const words[]);

// simulate_national loads the directory of a synthetic Belgium into the store of the home
// (national.c). Gives an exit code.
struct synthetic;
int simulate_national(struct cli *cli, const struct synthetic *synthetic);
int command_day(struct cli *cli);
int command_bench(struct cli *cli);

#endif
