import assert from "node:assert/strict";

import { itemOf, LABELS, stepsAfter } from "../../../src/agent/pure/words";
import type { AgentChanged, AgentStatus } from "../../../src/protocol";

function status(changes: Partial<AgentStatus> = {}): AgentStatus {
    return {
        state: "missing",
        sdk: null,
        box: "auto",
        engine: "auto",
        image: null,
        message: "The agent is not set up on this machine.",
        ...changes,
    };
}

describe("what is shown of the agent", () => {
    it("is nothing as long as nobody has told of it, and where the settings want none", () => {
        assert.equal(itemOf(undefined, false), undefined);
        assert.equal(itemOf(status({ engine: "embedded" }), false), undefined);
    });

    it("is which one is set up, and whether in Docker", () => {
        const there = status({ state: "set-up", sdk: "1.34.0" });
        assert.deepEqual(itemOf(there, false), {
            text: "Agent",
            detail: "OpenHands SDK 1.34.0",
            isBusy: false,
            action: undefined,
        });
        const inDocker = itemOf({ ...there, image: "testwright-agent:0123" }, false);
        assert.equal(inDocker?.detail, "OpenHands SDK 1.34.0, in Docker");
    });

    it("offers to set it up where that is missing", () => {
        assert.deepEqual(itemOf(status(), false), {
            text: "No agent",
            detail: "not set up on this machine",
            isBusy: false,
            action: "set-up",
        });
    });

    it("says what to do in a terminal where it is to work in Docker", () => {
        const message = "The agent has no image in Docker: `testwright setup docker`.";
        const item = itemOf(status({ box: "docker", message }), false);
        assert.deepEqual([item?.detail, item?.action], [message, undefined]);
    });

    it("is that it is being set up, which can be cancelled where this window does it", () => {
        const ours = itemOf(status(), true);
        assert.deepEqual([ours?.text, ours?.isBusy, ours?.action], ["Setting up the agent", true, "cancel"]);
        const theirs = itemOf(status({ state: "setting-up" }), false);
        assert.deepEqual([theirs?.text, theirs?.isBusy, theirs?.action], ["Setting up the agent", true, undefined]);
        assert.equal(itemOf(status({ engine: "embedded" }), true)?.action, "cancel", "whoever has begun it can end it");
    });
});

describe("the end of a set-up", () => {
    const ended = (changes: Partial<AgentChanged>): AgentChanged => ({
        state: "set-up",
        message: "The agent is set up.",
        severity: "info",
        ...changes,
    });

    it("leads back to the module for which it was made", () => {
        assert.deepEqual(stepsAfter(ended({}), true), ["generate"]);
        assert.deepEqual(stepsAfter(ended({}), false), []);
    });

    it("that has failed leads to another try and to Doctor; one that was cancelled to nothing", () => {
        assert.deepEqual(stepsAfter(ended({ state: "missing", severity: "error" }), true), ["retry", "doctor"]);
        assert.deepEqual(stepsAfter(ended({ state: "missing" }), true), []);
    });

    it("has words for each of its buttons, no two the same", () => {
        const labels = Object.values(LABELS);
        assert.equal(new Set(labels).size, labels.length);
    });
});
