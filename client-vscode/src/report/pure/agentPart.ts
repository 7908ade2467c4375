/** What an agent has done in a run, and who has proposed which tests; nothing where none has worked. */
import type { GenerateReport } from "../../protocol";
import { type Markup, markup } from "./html";
import { fact, limited, MOST, section, sentence } from "./parts";
import { costWords, grouped, seconds } from "./words";

/** Engines as a person calls them. */
const ENGINES: Readonly<Record<string, string>> = { embedded: "the embedded engine", openhands: "the agent" };

/** How the server's sentences on the agent's work begin. */
const OF_THE_AGENT = /^The agent(?:'s)? /;

/** Sentences of a run by what they are about. */
export interface Told {
    readonly ofAgent: readonly string[];
    readonly others: readonly string[];
}

/** What is told of the agent's work, and all else. */
export function toldOf(report: GenerateReport): Told {
    const isOnIt = (note: string): boolean => hasWorked(report) && OF_THE_AGENT.test(note);
    return { ofAgent: report.notes.filter(isOnIt), others: report.notes.filter((note) => !isOnIt(note)) };
}

function hasWorked(report: GenerateReport): boolean {
    return "agent" in report.seconds;
}

/** Its rounds, what they took, and what it says of them. */
export function agentPart(report: GenerateReport): Markup | null {
    if (!hasWorked(report)) {
        return null;
    }
    const { shown, more } = limited(toldOf(report).ofAgent, MOST.notes);
    const asked = report.models ?? [];
    const sum = (of: (use: (typeof asked)[number]) => number): number => asked.reduce((all, use) => all + of(use), 0);
    const tests = report.tests.by_engine?.["openhands"];
    return section(
        "The agent",
        [
            markup`<dl class="facts">
                ${tests !== undefined && fact("Tests in the file", grouped(tests))}
                ${fact("Time", seconds(report.seconds["agent"] ?? 0))}
                ${fact("Requests", grouped(sum((use) => use.requests)))}
                ${fact("Tokens", grouped(sum((use) => use.prompt_tokens + use.completion_tokens)))}
                ${fact("Cost", costWords(sum((use) => use.cost)))}
            </dl>`,
            shown.length > 0 &&
                markup`<ul>
                    ${shown.map((note) => markup`<li>${sentence(note)}</li>`)}
                    ${more > 0 && markup`<li class="more">and ${grouped(more)} more</li>`}
                </ul>`,
        ],
        "agent",
    );
}

/** `14 of the embedded engine, 5 of the agent`; null where only one has worked. */
export function byEngine(report: GenerateReport): Markup | null {
    const counts = Object.entries(report.tests.by_engine ?? {});
    if (counts.length < 2) {
        return null;
    }
    const words = counts.map(([engine, count]) => `${count === 0 ? "none" : grouped(count)} of ${nameOf(engine)}`);
    return markup`<p class="hint">${words.join(", ")}</p>`;
}

/** Whether the agent has proposed a test. */
export function isOfAgent(origin: string): boolean {
    return origin.split(":")[0] === "openhands";
}

function nameOf(engine: string): string {
    return ENGINES[engine] ?? engine;
}
