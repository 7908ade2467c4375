import assert from "node:assert/strict";

import fc from "fast-check";

import { clearedMessage, judge, keptMessage, PROVIDERS } from "../../../src/pure/keys";

const [OPENROUTER, SERVER] = PROVIDERS;
assert.ok(OPENROUTER && SERVER);

describe("API keys", () => {
    it("are taken for OpenRouter first, by the variable that the server reads", () => {
        assert.equal(OPENROUTER.name, "OpenRouter");
        assert.equal(OPENROUTER.variable, "OPENROUTER_API_KEY");
    });

    it("are taken for a server of the user's own, and may look like anything", () => {
        assert.equal(SERVER.variable, "TESTWRIGHT_MODEL_KEY");
        assert.equal(judge(SERVER, "0123"), undefined);
        assert.equal(judge(SERVER, "01 23")?.isRefused, true);
    });

    it("are taken as they are, and with spaces around them", () => {
        assert.equal(judge(OPENROUTER, "sk-or-v1-0123456789abcdef"), undefined);
        assert.equal(judge(OPENROUTER, "  sk-or-v1-0123456789abcdef\n"), undefined);
    });

    it("are refused when they are empty, or cannot be keys", () => {
        for (const text of ["", "  ", "sk-or-v1 0123", "sk-or-v1\n0123", "sk-or-v1-é", "sk-or-\u200b1"]) {
            assert.equal(judge(OPENROUTER, text)?.isRefused, true, JSON.stringify(text));
        }
    });

    it("are asked for once more when there is none", () => {
        assert.match(judge(OPENROUTER, " ")?.message ?? "", /^Paste a key/);
    });

    it("get a hint when they do not look like one of the provider", () => {
        const found = judge(OPENROUTER, "sk-ant-0123456789");
        assert.equal(found?.isRefused, false);
        assert.match(found.message, /begin with sk-or-/);
    });

    it("are in no sentence about them", () => {
        fc.assert(
            fc.property(fc.string({ minLength: 12, unit: "grapheme-ascii" }), (text) => {
                fc.pre(text.trim().length >= 12);
                assert.ok(!(judge(OPENROUTER, text)?.message ?? "").includes(text.trim()));
            }),
        );
    });

    it("are spoken of as what is true while runs go on, and with an engine that needs none", () => {
        const kept = keptMessage(OPENROUTER);
        assert.match(kept, /secret storage and handed to Testwright's server alone, never to a box/);
        assert.match(
            kept,
            /at once, or when what goes on has ended\. .*; the embedded engine asks none, the agent does\.$/,
        );
        assert.equal(
            clearedMessage(OPENROUTER),
            "The OpenRouter API key is forgotten. A run that goes on has it until it ends.",
        );
    });
});
