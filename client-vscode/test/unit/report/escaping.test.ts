import assert from "node:assert/strict";

import fc from "fast-check";

import type { GenerateReport, JudgeReport } from "../../../src/protocol";
import { markup, visible } from "../../../src/report/pure/html";
import { FRAME, REPORTS, allIn, contentOf } from "./samples";
import { renderProblem, renderReport } from "../../../src/report/pure/page";
import { attribute, elementsOf, rawTextOf, tagged } from "./dom";

/** Text that would be markup wherever it is not escaped: each piece ends something that it may stand in. */
const hostile = fc
    .array(
        fc.constantFrom(
            "<probe>",
            "</probe>",
            "<probe ",
            '"',
            "'",
            "`",
            ">",
            "<",
            "/>",
            "&",
            "&lt;probe&gt;",
            "&#60;probe&#62;",
            " probe=1 ",
            ' probe="1"',
            " onclick=probe() ",
            "<script>probe()</script>",
            "</script><probe>",
            "</style><probe>",
            "</title><probe>",
            "</pre></code><probe>",
            "</svg><probe>",
            "--><probe>",
            "]]><probe>",
            "<!--",
            "<![CDATA[",
            "<plaintext>",
            "javascript:probe()",
            "${probe}",
            "\u0000",
            "\u202e",
            "\ud800",
            "\n",
            "\r",
            "\t",
            ": ",
            " → ",
            "--budget",
            "a",
        ),
        { maxLength: 12 },
    )
    .map((pieces) => pieces.join(""));

/** Put other text in place of every text of a report but those by which the page is laid out. */
function withTexts(value: unknown, next: () => string, key = ""): unknown {
    if (typeof value === "string") {
        return ["status", "outcome"].includes(key) ? value : next();
    }
    if (Array.isArray(value)) {
        return value.map((one) => withTexts(one, next, key));
    }
    if (typeof value === "object" && value !== null) {
        return Object.fromEntries(
            Object.entries(value).map(([name, one]) => [
                ["seconds", "faults", "by_engine"].includes(key) && name !== "agent" ? next() : name,
                withTexts(one, next, name),
            ]),
        );
    }
    return value;
}

const TAGS = new Set(
    (
        "html head meta link title body main h1 h2 h3 p span code pre button div section table thead tbody tr th td svg desc " +
        "rect line ul li dl dt dd details summary script"
    ).split(" "),
);
const ATTRIBUTES = new Set(
    (
        "lang charset http-equiv content name rel href nonce src class id type title role hidden open scope tabindex " +
        "aria-label aria-labelledby aria-hidden aria-live data-state data-do data-place data-line data-end data-test " +
        "data-name viewBox preserveAspectRatio x y width height x1 x2 y1 y2"
    ).split(" "),
);

function checkMarkup(page: string): void {
    for (const element of elementsOf(page)) {
        assert.ok(TAGS.has(element.tagName), `<${element.tagName}>`);
        for (const { name } of element.attrs) {
            assert.ok(ATTRIBUTES.has(name), `${name} of <${element.tagName}>`);
        }
        assert.ok(["button", "link", "script", "meta", "svg"].includes(element.tagName) || !attribute(element, "src"));
    }
    assert.equal(tagged(page, "script").length, 1);
    assert.deepEqual(
        tagged(page, "script").map((script) => [
            attribute(script, "src"),
            attribute(script, "nonce"),
            rawTextOf(script),
        ]),
        [[FRAME.script, FRAME.nonce, ""]],
    );
    assert.deepEqual(
        tagged(page, "link").map((link) => attribute(link, "href")),
        [FRAME.style],
    );
}

describe("no text of a report becomes markup", function () {
    this.timeout(30_000);

    const samples: [string, GenerateReport | JudgeReport][] = Object.entries(REPORTS);
    for (const [name, report] of samples) {
        it(`in the page of a report like "${name}"`, () => {
            fc.assert(
                fc.property(fc.infiniteStream(hostile), fc.boolean(), (texts, isReviewed) => {
                    const next = (): string => texts.next().value as string;
                    const changed = withTexts(report, next) as typeof report;
                    const added = isReviewed && "threshold" in changed ? allIn(changed) : null;
                    const content = contentOf(changed, added);
                    const page = renderReport(
                        { ...content, uri: next(), names: { module: next(), tests: next() } },
                        FRAME,
                    );
                    checkMarkup(page);
                }),
                { numRuns: 20 },
            );
        });
    }

    it("in the page that says what is wrong", () => {
        fc.assert(
            fc.property(hostile, hostile, hostile, (name, why, uri) => {
                const page = renderProblem(name, why, uri, FRAME);
                checkMarkup(page);
                const [body] = tagged(page, "body");
                assert.ok(body);
                assert.deepEqual(JSON.parse(attribute(body, "data-state") ?? ""), {
                    // A lone half of a character is none that a browser can hold.
                    uri: JSON.parse(JSON.stringify(uri)) as string,
                    run: null,
                });
            }),
        );
    });

    it("and all of it is read as it is written", () => {
        fc.assert(
            fc.property(hostile, (text) => {
                const [element] = tagged(markup`<p title="${text}">${text}</p>`.toString(), "p");
                assert.ok(element);
                assert.equal(rawTextOf(element), visible(text));
                assert.equal(attribute(element, "title"), visible(text));
            }),
        );
    });

    it("and what cannot be seen is told", () => {
        assert.equal(visible("a\u202eb\u0000\ud800c\r\nd\re\u{1f600}"), "a\\u202eb\\u0000\\ud800c\nd\\u000de\u{1f600}");
    });
});
