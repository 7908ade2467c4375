import assert from "node:assert/strict";

import { hasProposal, LABELS, tellingOf } from "../../../src/runs/pure/telling";
import { failedReport, finished } from "./samples";

describe("the message at the end of a run", () => {
    it("offers to open and run what was written, and its report", () => {
        assert.deepEqual(tellingOf(finished()), {
            severity: "info",
            message: "12 tests for pricing are in tests/test_pricing.py: 92 % covered.",
            steps: ["open", "run", "report"],
        });
    });

    it("is a warning when the server means it so", () => {
        assert.equal(tellingOf(finished({ severity: "warning" }))?.severity, "warning");
    });

    it("offers the report alone when there is no test to open", () => {
        assert.deepEqual(tellingOf(finished({ status: "nothing-to-add" }))?.steps, ["report"]);
        assert.deepEqual(tellingOf(finished({ kind: "judge", status: "judged" }))?.steps, ["report"]);
        assert.deepEqual(tellingOf(finished({ testUri: null }))?.steps, ["report"]);
    });

    it("is not there when the user has cancelled", () => {
        assert.equal(tellingOf(finished({ status: "cancelled", message: "", report: null })), undefined);
    });

    it("is there when something else has cancelled", () => {
        const message = "Its folder was closed, so the run was ended and nothing was written.";
        const telling = tellingOf(finished({ status: "cancelled", severity: "warning", message, report: null }));
        assert.deepEqual(telling, { severity: "warning", message, steps: [] });
    });

    it("is not there for a measurement that has succeeded, and is for one that has not", () => {
        const measured = finished({ kind: "measure", status: "measured", report: null });
        assert.equal(tellingOf(measured), undefined);
        assert.deepEqual(tellingOf({ ...measured, severity: "warning", message: "It is not known." }), {
            severity: "warning",
            message: "It is not known.",
            steps: [],
        });
        assert.equal(
            tellingOf({ ...measured, status: "failed", severity: "error", message: "No box." })?.severity,
            "error",
        );
    });

    it("asks what becomes of tests that could not be put into their file", () => {
        const conflict = finished({
            status: "failed",
            severity: "error",
            report: failedReport("write-conflict"),
            proposalUri: "file:///state/proposals/test_pricing.py",
        });
        assert.equal(hasProposal(conflict), true);
        assert.deepEqual(tellingOf(conflict)?.steps, ["showProposal", "again", "discardProposal"]);
        assert.equal(hasProposal(finished()), false);
    });

    it("asks the same of what a run had proven that was cancelled, or has failed", () => {
        const message = "The run for pricing was cancelled. What was proven until then is saved in /s/test_pricing.py.";
        const proposalUri = "file:///s/test_pricing.py";
        const steps = ["showProposal", "again", "discardProposal"];
        const cancelled = finished({ status: "cancelled", message, report: null, proposalUri });
        assert.deepEqual(tellingOf(cancelled), { severity: "info", message, steps });
        const failed = finished({
            status: "failed",
            severity: "error",
            report: failedReport("box-failure"),
            proposalUri,
        });
        assert.deepEqual(tellingOf(failed)?.steps, steps);
    });

    it("offers what would let an agent take on what is left", () => {
        const offers = ["set-up-agent", "consent"] as const;
        assert.deepEqual(tellingOf(finished({ offers }))?.steps, ["open", "run", "report", "setUpAgent", "consent"]);
        assert.deepEqual(tellingOf(finished({ status: "nothing-to-add", offers: ["set-up-agent"] }))?.steps, [
            "report",
            "setUpAgent",
        ]);
        const refused = finished({ status: "failed", severity: "error", report: failedReport("consent"), offers });
        assert.deepEqual(tellingOf(refused)?.steps, ["consent", "setUpAgent"], "each once");
    });

    for (const [slug, steps] of [
        ["box-unavailable", ["doctor"]],
        ["agent-missing", []],
        ["agent", ["report"]],
        ["docker", ["doctor"]],
        ["docker-failure", ["doctor"]],
        ["interpreter", ["interpreter", "doctor"]],
        ["settings", ["settings"]],
        ["registry", ["settings"]],
        ["model-budget", ["settings"]],
        ["no-models", ["models"]],
        ["models-exhausted", ["models"]],
        ["consent", ["consent"]],
        ["key", ["key"]],
        ["account-limit", []],
        ["nothing-to-judge", ["generate"]],
        ["import-failure", ["report"]],
        ["nothing-proven", ["report"]],
        ["target", []],
        ["write-failure", []],
    ] as const) {
        it(`has the next step of ${slug}`, () => {
            const failed = finished({ status: "failed", severity: "error", report: failedReport(slug) });
            assert.deepEqual(tellingOf(failed)?.steps, steps);
        });
    }

    it("leads to the settings, when the sentence names one", () => {
        const failed = finished({ status: "failed", severity: "error", report: failedReport("nothing-proven") });
        const message = "There was no time for it. Give it more with the setting testwright.budget.";
        assert.deepEqual(tellingOf({ ...failed, message })?.steps, ["settings", "report"]);
    });

    it("leads to the settings, or to the logs, when a run could not begin", () => {
        const failed = finished({ status: "failed", severity: "error", report: null });
        const steps = (message: string): unknown => tellingOf({ ...failed, message })?.steps;
        assert.deepEqual(steps("The setting testwright.budget must be a number from 1 to 3600."), ["settings"]);
        assert.deepEqual(steps("The setting testwright.hints.codeLens must be true or false."), ["settings"]);
        assert.deepEqual(steps("[tool.testwright] in pyproject.toml has no setting bugdet."), ["settings"]);
        assert.deepEqual(steps("Testwright itself failed at pricing (KeyError). Its log is /s/crash.log."), ["logs"]);
        assert.deepEqual(steps("pricing.py is gone."), []);
    });

    it("has words for each of its buttons, no two the same", () => {
        const labels = Object.values(LABELS);
        assert.equal(new Set(labels).size, labels.length);
    });
});
