# SPDX-License-Identifier: EUPL-1.2
"""An institution's own list and the directory are compared, without sending either.

Given a CPAS whose software keeps a list of whom it follows, when the list is compared with the
directory, then both agree on a count and a digest, or each difference is named; nobody gets
another one's. Method: a real broker; the digest is computed here once more, in five lines of
Python, so that the header's drawing is all that another language needs.
"""

import hashlib
import subprocess
import unittest
from datetime import timedelta

from vigie_test import BIN, TODAY, Story, Vigie, birth_date, number_of
from wire import person, proto

A, B, OPERATOR = "CPAS-21004", "CPAS-62063", "CPAS-11002"
BEGIN = TODAY - timedelta(days=10)
END = BEGIN + timedelta(days=25)


def digest(rows):
    """proto/digest/digest.h, of (niss, quality, begin, end)."""
    lines = (f"{niss:011d} {quality:03d} {begin:%Y%m%d} {end:%Y%m%d}".encode()
             for niss, quality, begin, end in rows)
    total = sum(int.from_bytes(hashlib.blake2b(line, digest_size=16).digest(), "little")
                for line in lines)
    return (total % 2**128).to_bytes(16, "little")


class Reconcile(Story):
    institutions = {"RN": "source", A: "member", B: "member", OPERATOR: "operator"}

    def setUp(self):
        super().setUp()
        self.vigie = Vigie("--home", str(self.broker.folder))

    def sums(self, *words):
        """quality -> (how many, digest), as an administrator sees them."""
        rows = self.vigie.run("integrations", "digest", *words)["integrations"]
        return {row["quality"]: (row["integrations"], row["digest"]) for row in rows}

    def test_an_administrator_compares_counts_and_digests(self):
        # Given three integrations of A in two qualities, and one of B about the same person.
        mine = [(person(3), 2, BEGIN, END), (person(1), 2, BEGIN, END), (person(2), 8, BEGIN, END)]
        for niss, quality, begin, end in mine:
            self.integrate(A, niss, quality, begin, end)
        self.integrate(B, person(1), 7, BEGIN, END + timedelta(days=9))
        # When they are asked for, then each quality has its own, whatever the order.
        expected = {"002": (2, digest(mine[:2]).hex()), "008": (1, digest(mine[2:]).hex())}
        self.assertEqual(self.sums(A), expected)
        self.assertEqual(set(self.sums(B)), {"007"})
        # When the broker is killed and comes back, then it is the same.
        self.broker.kill()
        self.broker.start()
        self.assertEqual(self.sums(A), expected)
        # And a member is told the same of its own, by its own key.
        rows = self.vigie.run("integrations", "digest", "--key", self.key_file(A, "member"))
        self.assertEqual({row["quality"]: (row["integrations"], row["digest"])
                          for row in rows["integrations"]}, expected)
        # What has ended may be left out.
        self.assertEqual(self.sums(A, "--since", END.isoformat()), expected)
        self.assertEqual(self.sums(A, "--since", (END + timedelta(days=1)).isoformat()), {})
        # The general level knows persons of the sector, once, and neither whose nor why.
        self.assertEqual(self.sums("--sector", "CPAS"), {None: (3, digest([
            (person(1), 0, BEGIN, END + timedelta(days=9)), (person(2), 0, BEGIN, END),
            (person(3), 0, BEGIN, END)]).hex())})
        # What is asked for wrongly is refused.
        for words in ((), (A, "--sector", "CPAS")):
            self.vigie.run("integrations", "digest", *words, status=2)
        for words in (("CPAS-99999",), ("--sector", "NONE"), (A, "--since", "tomorrow")):
            self.vigie.run("integrations", "digest", *words, status=1)
        # No person stands in the log.
        for niss in range(1, 4):
            self.assertNoPersonInLog(person(niss))

    # ---- a member with its own list ----

    def csv(self, name, rows):
        """A file as its own software writes it; gives its path."""
        path = self.folder / name
        path.write_text("niss;quality;begin;end\n" + "".join(
            f"{niss:011d};{quality:03d};{begin};{end}\n" for niss, quality, begin, end in rows))
        return str(path)

    def differences(self, path, *words, key=A, role="member", status=None):
        """What differs, as (kind, niss, quality), and the summary."""
        *lines, summary = self.listed(path, "--key", self.key_file(key, role), *words,
                                      status=status)
        return [(line["difference"], int(line["niss"]), line["quality"])
                for line in lines], summary

    def listed(self, path, *words, status=None):
        answer = self.vigie.run("reconcile", path, *words, status=status)
        return answer if isinstance(answer, list) else [answer]

    def noted(self):
        """How often the journal says that somebody's integrations were asked for."""
        folder = self.folder / "journal"
        folder.mkdir()
        subprocess.run([str(BIN / "vigied"), "--settings", str(self.broker.settings_path),
                        "--export-journal", str(folder)], capture_output=True, check=True)
        return sum(path.read_text().count('"text":"sector ') for path in folder.glob("*.jsonl"))

    def test_a_member_finds_what_differs_from_its_own_list(self):
        # Given that A follows forty persons, and its software has them all.
        with self.member(A) as member:
            reply = member.ask(integrate=proto.Integrate(items=[
                proto.IntegrateItem(niss=person(i), quality=2, begin=number_of(BEGIN),
                                    end=number_of(END),
                                    proof=proto.Proof(birth_date=birth_date(person(i))))
                for i in range(1, 41)]))
            self.assertNotEqual(reply.verdict, proto.Reply.NO)
        mine = [(person(i), 2, BEGIN, END) for i in range(1, 41)]
        # When they are compared, then they are the same, and no integration was sent.
        found, summary = self.differences(self.csv("same", mine[::-1]), status=0)
        self.assertEqual((found, summary["file"], summary["directory"], summary["sent"]),
                         ([], 40, 40, 0))
        # When the lists drift apart: one was never sent, one never entered, one has ended.
        other = mine[1:39] + [(person(50), 7, BEGIN, END)]
        other[5] = (other[5][0], 2, BEGIN, END - timedelta(days=1))
        found, summary = self.differences(self.csv("other", other), status=15)
        self.assertEqual(sorted(found), sorted([
            ("only_in_directory", person(1), "002"), ("only_in_directory", person(40), "002"),
            ("only_in_file", person(50), "007"), ("other_dates", other[5][0], "002")]))
        # Each kind alone has an exit status of its own.
        for rows, status in ((mine + [(person(50), 7, BEGIN, END)], 9), (mine[1:], 10),
                             (mine[:-1] + [(person(40), 2, BEGIN, BEGIN)], 12)):
            self.differences(self.csv("one", rows), status=status)
        # A file of the general level, and of another institution, are an operator's to compare.
        for words in (("--sector", "17"), ("--institution", B)):
            refusal, = self.listed(self.csv("one", mine), "--key", self.key_file(A, "member"),
                                   *words, status=1)
            self.assertEqual(refusal["error"]["name"], "NOT_ALLOWED")
        # What was sent stands in the journal; no person stands in the log.
        self.assertEqual(self.noted(), 4)
        for niss, *_ in mine:
            self.assertNoPersonInLog(niss)

    def test_a_bad_file_is_named_line_by_line_and_nothing_is_asked(self):
        path = self.folder / "bad"
        path.write_text(f"niss,quality,begin,end\n{person(1)},2,2026-02-30,\n1234,2,2026-01-01,\n"
                        f"{person(2)},2,2026-01-01,2025-01-01\n")
        done = self.vigie.run_raw("reconcile", str(path), "--key", self.key_file(A, "member"))
        self.assertEqual(done.returncode, 2)
        *faults, whole = done.stderr.splitlines()
        self.assertEqual([line.split(":")[2] for line in faults], ["2", "3", "4"])
        self.assertIn('begin: "2026-02-30", a date like 2026-11-20 is wanted', faults[0])
        self.assertTrue(whole.startswith("vigie: MALFORMED (2, sender): "), whole)
        self.assertNotIn(f"{person(1):011d}", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_what_is_no_list_is_refused_with_name_and_number_and_what_is_wrong(self):
        wrong = person(1) + 1  # its check digits do not fit
        for text, *sentences in (
                ("", "there is nothing in it"),
                ("niss,quality\n", "not there: begin"),
                (f"niss,quality,begin\n{wrong},2,2026-01-01\n{person(2)},2,{person(3)}\n",
                 "niss: the check digits of the person number do not fit",
                 "begin: it has 11 characters, a date like 2026-11-20 is wanted"),
                ('{"quality":"x"}\n', "niss: the 11 digits", 'quality: "x", a code like 030',
                 "begin: it is missing")):
            path = self.folder / "list"
            path.write_text(text)
            refused = self.vigie.run("reconcile", str(path), "--key",
                                     self.key_file(A, "member"), status=2)["error"]
            self.assertEqual((refused["name"], refused["number"], refused["remedy"]),
                             ("MALFORMED", 2, "sender"))
            for one, sentence in zip(refused["faults"], sentences, strict=True):
                self.assertIn(sentence, one["sentence"])
            for niss in (wrong, person(2), person(3)):
                self.assertNotIn(f"{niss:011d}", str(refused))
        for path, words in ((self.folder, "Is a directory"), ("/nowhere", "No such file")):
            refused = self.vigie.run("reconcile", str(path), "--key",
                                     self.key_file(A, "member"), status=2)["error"]
            self.assertEqual((refused["name"], refused["number"]), ("BAD_FILE", 41))
            self.assertIn(words, refused["sentence"])

    def test_differences_go_to_a_new_file_of_its_owner(self):
        self.integrate(A, person(1), 2, BEGIN, END)
        out = self.folder / "out"
        words = ("reconcile", self.csv("none", []), "--key", self.key_file(A, "member"),
                 "--output", str(out))
        done = self.vigie.run_raw(*words)
        self.assertEqual((done.returncode, done.stdout), (10, ""))
        self.assertEqual(out.read_text(), f"only_in_directory  {person(1):011d}  002"
                         f"  directory {BEGIN} {END}\n")
        self.assertEqual(out.stat().st_mode & 0o777, 0o600)
        self.assertNotIn(f"{person(1):011d}", done.stderr)
        self.assertEqual(self.vigie.run_raw(*words).returncode, 2)  # never written over

    def test_an_operator_compares_the_general_level(self):
        # Given that two CPAS follow one person, and one of them another one.
        self.integrate(A, person(1), 2, BEGIN, END)
        self.integrate(B, person(1), 7, END, END + timedelta(days=20))
        self.integrate(B, person(2), 7, BEGIN, END)
        # When the general directory's own list knows them from the first day to the last,
        # then it is the same list.
        path = self.folder / "general"
        path.write_text(f"niss,begin,end\n{person(1)},{BEGIN},{END + timedelta(days=20)}\n"
                        f"{person(2)},{BEGIN},{END}\n")
        words = {"key": OPERATOR, "role": "operator"}
        found, summary = self.differences(str(path), "--sector", "17", status=0, **words)
        self.assertEqual((found, summary["directory"]), ([], 2))
        # When it has missed one, then he is named, without whose and why.
        path.write_text(f"niss,begin,end\n{person(2)},{BEGIN},{END}\n")
        found, _ = self.differences(str(path), "--sector", "17", status=10, **words)
        self.assertEqual(found, [("only_in_directory", person(1), None)])
        # And it may ask for any institution.
        found, _ = self.differences(self.csv("b", [(person(2), 7, BEGIN, END)]), "--institution",
                                    B, status=10, **words)
        self.assertEqual(found, [("only_in_directory", person(1), "007")])


if __name__ == "__main__":
    unittest.main()
