import assert from "node:assert/strict";

import { debugDocument, withoutHome, withoutSecrets, type Facts } from "../../../src/commands/pure/debugInformation";

const FACTS: Facts = {
    versions: [["Testwright", "0.1.0"]],
    server: [["program", "/home/ada/.local/bin/testwright"]],
    interpreters: [["shop", "/home/ada/shop/.venv/bin/python (setting)"]],
    settings: [
        ["testwright.budget", 60],
        ["testwright.apiKey", "sk-or-v1-0123456789abcdef"],
        ["testwright.maxModelTokens", 5000],
        ["testwright.path", "/home/ada/bin/testwright"],
    ],
    home: "/home/ada",
    user: "ada",
};

describe("debug information", () => {
    it("has what a report needs, and neither homes nor keys", () => {
        const text = debugDocument(FACTS);
        for (const part of [
            "- Testwright: 0.1.0",
            "- program: ~/.local/bin/testwright",
            "- shop: ~/shop/.venv/bin/python (setting)",
            "- `testwright.budget`: `60`",
            '- `testwright.path`: `"~/bin/testwright"`',
            '- `testwright.apiKey`: `"(not shown)"`',
            "- `testwright.maxModelTokens`: `5000`",
        ]) {
            assert.ok(text.includes(part), `${part} is not in:\n${text}`);
        }
        assert.ok(!text.includes("ada"));
        assert.ok(!text.includes("0123456789"));
    });

    it("has no key that somebody has put where none belongs", () => {
        const text = debugDocument({ ...FACTS, settings: [["testwright.path", "/bin/sk-or-v1-0123456789abcdef"]] });
        assert.ok(text.includes("/bin/(a key)"), text);
    });

    it("says so when there is nothing of a kind", () => {
        assert.match(debugDocument({ ...FACTS, interpreters: [] }), /## Python\n\nNone\./);
    });

    it("takes the home away, of the user and of others, and leaves alike names", () => {
        const found = (text: string): string => withoutHome(text, "/home/ada", "ada");
        assert.equal(found("/home/ada /home/ada/x /home/adam/x"), "~ ~/x /home/(user)/x");
        assert.equal(found("/Users/bob/x"), "/Users/(user)/x");
        assert.equal(found(String.raw`C:\Users\bob\x`), String.raw`C:\Users\(user)\x`);
        assert.equal(found(String.raw`"C:\\Users\\bob\\x"`), String.raw`"C:\\Users\\(user)\\x"`);
        assert.equal(withoutHome("/data/lovelace/x", "/srv/h/lovelace", "lovelace"), "/data/(user)/x");
        assert.equal(withoutHome("/root/x", "/root", "root"), "~/x");
        assert.equal(withoutHome("/x", "/", "root"), "/x");
    });

    it("takes away what looks like a key or a login, wherever it stands", () => {
        assert.equal(withoutSecrets("a sk-or-v1-0123456789 b"), "a (a key) b");
        assert.equal(withoutSecrets("https://me:pass@host/x"), "https://(a login)@host/x");
        assert.equal(withoutSecrets("risk-free-and-long-words"), "risk-free-and-long-words");
    });
});
