# SPDX-License-Identifier: EUPL-1.2
"""No secret and no whole person number is in anything that the broker says.

Goal: what is written at the most talkative level, answered in refusals, shown by ps, by the
environment, by --check and in the run folder holds no secret key, no token, no person number
and no field's value. Method: a story with everything that goes right and wrong; then all of
it is searched.
"""

import os
import subprocess
import unittest
from pathlib import Path

import wire
from vigie_test import BIN, PATIENCE_S, TODAY, Story, birth_date, number_of
from wire import mutation, person, proto, zmq

PERSONS = [person(i) for i in (1, 2, 3)]
VALUE = "Rue du Secret 4711"


def written(niss):
    """The forms that a person number is written in."""
    digits = f"{niss:011d}"
    first, serial, check = digits[:6], digits[6:9], digits[9:]
    return [digits, f"{first} {serial} {check}", f"{first}-{serial}-{check}",
            f"{first[:2]}.{first[2:4]}.{first[4:]}-{serial}.{check}", hex(niss)[2:]]


class Secrets(Story):
    institutions = {"RN": "source", "CPAS-21004": "member", "CPAS-62063": "member"}
    settings = {"log_level": "debug"}

    def setUp(self):
        super().setUp()
        self.said = []  # all that anybody was told

    def hear(self, text):
        self.said.append(text if isinstance(text, str) else str(text))

    def secret_words(self):
        words = [self.broker.token, VALUE]
        words += [secret for _, secret in self.keys.values()]
        words += [line.split(": ")[1] for line in
                  (self.folder / "broker.key").read_text().splitlines()
                  if line.startswith("secret: ")]
        words += [form for niss in PERSONS for form in written(niss)]
        return words

    # ---- the story ----

    def go_right(self):
        self.integrate("CPAS-21004", PERSONS[0], quality=1)
        with self.source("RN") as source, self.member("CPAS-21004") as member:
            member.subscribe()
            source.publish_and_hear(1, [mutation(1, PERSONS[0], fields=[("020", VALUE)])])
            member.deliveries(1)
            member.acknowledge(0, 1)
            self.hear(member.ask(list_mailboxes=proto.ListMailboxes()))

    def go_wrong_with_words(self):
        """Refusals whose sentences could repeat what was asked."""
        wrong = [mutation(2, PERSONS[1] + 1, fields=[("020", VALUE)]),
                 mutation(3, PERSONS[1], flow="Unknown", fields=[("020", VALUE)]),
                 mutation(4, PERSONS[1], fields=[("999", VALUE)]),
                 mutation(5, PERSONS[1], occurred=20261399, fields=[("020", VALUE)])]
        with self.source("RN") as source:
            for number, one in enumerate(wrong, start=2):
                self.hear(source.publish_and_hear(number, [one]).results)
        with self.member("CPAS-62063") as member:
            for proof in (proto.Proof(), proto.Proof(birth_date=19500101),
                          proto.Proof(birth_date=birth_date(PERSONS[2]))):
                item = proto.IntegrateItem(niss=PERSONS[2], quality=2, proof=proof,
                                           begin=number_of(TODAY), end=20991231)
                self.hear(member.ask(integrate=proto.Integrate(items=[item])).results)
            self.hear(member.ask(remove=proto.Remove(niss=PERSONS[2], quality=2,
                                                     begin=number_of(TODAY))).results)
            self.hear(member.ask(consult=proto.Consult(niss=PERSONS[2])).results)
            self.hear(member.ask(history=proto.History(niss=PERSONS[2] + 1)).results)

    def go_wrong_with_keys(self):
        for pair in (zmq.curve_keypair(), self.keys["RN", "source"]):
            public, secret = (k if isinstance(k, str) else k.decode() for k in pair)
            with wire.Member(self.broker.endpoint("members"), self.broker.public, public,
                             secret) as stranger:
                stranger.is_refused(0.5)
        for token in ("", "x" * 40, self.broker.token[:-1], self.broker.token + "1"):
            self.hear(self.broker.http("GET", "/v1/status", token=token or "none"))

    def administer(self):
        """The administrators' port: one's own question comes back to the asker alone."""
        mutation_json = {"flow": "notifyPerson", "niss": f"{PERSONS[0]:011d}",
                         "occurred": str(TODAY),
                         "fields": [{"code": "020", "value": VALUE}]}
        self.broker.http("POST", "/v1/explain", mutation_json)
        for path in ("/healthz", "/metrics", "/v1/queues", "/v1/flows", "/v1/status",
                     "/v1/institutions", "/v1/institutions/CPAS-21004", "/nothing"):
            self.hear(self.broker.http("GET", path))
        _, public_secret = self.keys["RN", "source"]
        for body in ({"public": public_secret + "x"}, {"code": "RN", "secret": "s"}):
            self.hear(self.broker.http("POST", "/v1/keys/revoke", body))
        os.kill(self.broker.pid, 1)
        self.broker.wait_for("event=reload")

    def show(self):
        """What others on the machine can see of the process."""
        for name in ("cmdline", "environ", "status"):
            self.hear(Path(f"/proc/{self.broker.pid}/{name}").read_bytes()
                      .decode(errors="replace"))
        for path in (self.folder / "run").iterdir():
            self.hear(path.read_text(errors="replace"))
        for words in (["--check"], ["--check", "--json"], ["--verify"]):
            done = subprocess.run([str(BIN / "vigied"), "--settings",
                                   str(self.broker.settings_path), *words],
                                  capture_output=True, text=True, check=False,
                                  timeout=PATIENCE_S)
            self.hear(done.stdout + done.stderr)

    def test_nothing_that_is_said_holds_one(self):
        self.go_right()
        self.go_wrong_with_words()
        self.go_wrong_with_keys()
        self.administer()
        self.show()
        self.broker.stop()
        self.hear(self.broker.log())
        said = "\n".join(self.said)
        self.assertGreater(len(said), 10000)
        for word in self.secret_words():
            self.assertNotIn(word, said)

    def test_a_start_that_fails_does_not_show_them_either(self):
        _, secret = self.keys["RN", "source"]
        self.broker.stop()
        key_file, token_file = self.folder / "broker.key", self.folder / "token"
        good = key_file.read_text(), token_file.read_text()
        for path, text, mode in ((key_file, f"public: x\nsecret: {secret}x\n", 0o600),
                                 (key_file, f"secret {secret}\n", 0o600),
                                 (key_file, good[0], 0o644),
                                 (token_file, "with spaces " + good[1], 0o600),
                                 (token_file, good[1], 0o640)):
            with self.subTest(path=path.name, mode=oct(mode)):
                path.write_text(text)
                path.chmod(mode)
                self.broker.spawn()
                self.assertEqual(self.broker.wait(), 1)
                said = self.broker.log()
                self.assertIn(path.name, said.splitlines()[-2])
                self.assertNotIn(secret, said)
                self.assertNotIn(self.broker.token, said)
                for one, before in zip((key_file, token_file), good):
                    one.write_text(before)
                    one.chmod(0o600)
        self.broker.start()


if __name__ == "__main__":
    unittest.main()
