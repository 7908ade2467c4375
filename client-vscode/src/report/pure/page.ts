/** The whole page: what the webview gets. */
import type { Added, GenerateReport, JudgeReport, ReportShown } from "../../protocol";
import { generatePage } from "./generatePage";
import { type Content, type Markup, markup } from "./html";
import { judgePage } from "./judgePage";
import { headline, type Names, toolbar } from "./parts";

/** What holds the page: where its style and its script are, and what they may do. */
export interface Frame {
    /** New for each page; the one script that has it runs. */
    readonly nonce: string;
    /** From where styles may come: `webview.cspSource`. */
    readonly source: string;
    readonly style: string;
    readonly script: string;
}

/** What the page keeps for a later session, and sends along with each of its messages. */
export interface PageState {
    /** The module. */
    readonly uri: string;
    /** Null when there is no report. */
    readonly run: string | null;
}

/** A report and what is known of it by now. */
export interface PageContent {
    readonly run: string;
    readonly uri: string;
    readonly report: GenerateReport | JudgeReport;
    readonly names: Names;
    readonly added: Added | null;
}

/** Whether a report is one of a judgement. */
export function isJudgement(shown: Pick<ReportShown, "report">): shown is { readonly report: JudgeReport } {
    return "findings" in shown.report;
}

/** The page of a run. */
export function renderReport(content: PageContent, frame: Frame): string {
    const body = isJudgement(content)
        ? judgePage(content.report, content.names)
        : generatePage(content.report as GenerateReport, content.names, content.added);
    return page(body, { uri: content.uri, run: content.run }, frame);
}

/** The page in place of one that cannot be shown: why, and what to do. */
export function renderProblem(name: string, why: string, uri: string, frame: Frame): string {
    const body = [
        markup`<h1>Tests of <code>${name}</code></h1>`,
        headline("warning", why),
        toolbar([{ label: "Try Again", does: "retry", primary: true }]),
    ];
    return page(body, { uri, run: null }, frame);
}

function page(body: Content, state: PageState, frame: Frame): string {
    const policy = [
        "default-src 'none'",
        `style-src ${frame.source}`,
        `script-src 'nonce-${frame.nonce}'`,
        "base-uri 'none'",
        "form-action 'none'",
    ].join("; ");
    const whole: Markup = markup`<!doctype html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta http-equiv="Content-Security-Policy" content="${policy}" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <link rel="stylesheet" href="${frame.style}" />
                <title>Testwright</title>
            </head>
            <body data-state="${JSON.stringify(state)}">
                <main>${body}</main>
                <script nonce="${frame.nonce}" src="${frame.script}"></script>
            </body>
        </html> `;
    return whole.toString();
}
