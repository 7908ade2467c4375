/** What a run has asked of models, as a table; nothing where it has asked none. */
import type { ModelUse } from "../../protocol";
import { type Content, type Markup, markup } from "./html";
import { limited, moreOf, MOST, section } from "./parts";
import { costWords, counted, grouped } from "./words";

/** @param uses Undefined in reports that an earlier version has kept. */
export function modelUse(uses: readonly ModelUse[] | undefined): Markup | null {
    const { shown, more } = limited(uses ?? [], MOST.models);
    if (shown.length === 0) {
        return null;
    }
    return section(
        "Models that were asked",
        [
            markup`<table class="models">
                <thead>
                    <tr>
                        <th scope="col">Model</th>
                        <th scope="col" class="figure">Requests</th>
                        <th scope="col" class="figure">Answers</th>
                        <th scope="col" class="figure">Tokens</th>
                        <th scope="col" class="figure">Cost</th>
                        <th scope="col" class="faults">Faults</th>
                    </tr>
                </thead>
                <tbody>
                    ${shown.map(row)}
                </tbody>
            </table>`,
            moreOf(more, counted(more, "other model")),
        ],
        "models",
    );
}

function row(use: ModelUse): Markup {
    const tokens = use.prompt_tokens + use.completion_tokens;
    return markup`<tr>
        <th scope="row"><code>${use.model}</code> <span class="provider">${use.provider}</span></th>
        <td class="figure">${grouped(use.requests)}</td>
        <td class="figure">${grouped(use.answers)}</td>
        <td class="figure" title="${grouped(use.prompt_tokens)} sent, ${grouped(use.completion_tokens)} received">
            ${grouped(tokens)}
        </td>
        <td class="figure">${costWords(use.cost)}</td>
        <td class="faults">${faults(use)}</td>
    </tr>`;
}

/** `2 down, 1 empty`; and what became of the model's breaker, which keeps it from being asked for a while. */
function faults(use: ModelUse): Content {
    const told = Object.entries(use.faults)
        .slice(0, MOST.faults)
        .map(([kind, times]) => `${grouped(times)} ${kind}`);
    const opened = use.breaker.filter((state) => state === "open").length;
    return [
        told.length > 0 ? told.join(", ") : "none",
        use.retries > 0 && (use.retries === 1 ? "; 1 retry" : `; ${grouped(use.retries)} retries`),
        opened > 0 && `; left alone for a while${opened > 1 ? `, ${grouped(opened)} times` : ""}`,
    ];
}
