/** The public classes and functions of a module, as the server knows them. */
import * as vscode from "vscode";

import { UserError } from "../log";
import { lastName } from "../pure/words";
import type { Server } from "../server/server";

/** As much of the protocol's code action as is needed. */
interface Action {
    readonly command?: string | { readonly arguments?: readonly { readonly symbol?: string }[] };
}

/** As much of a code lens of our server. */
interface Lens {
    readonly range: { readonly start: { readonly line: number } };
    readonly data?: { readonly symbol?: string };
}

/** A public class or function. */
export interface Definition {
    /** `Cart.total` */
    readonly name: string;
    /** Where it begins, from 0. */
    readonly line: number;
}

/**
 * The innermost public class or function that holds a range; undefined when none does.
 *
 * The server offers to generate tests for each around a place, the innermost first.
 */
export async function symbolAt(server: Server, uri: string, range: vscode.Range): Promise<string | undefined> {
    const actions = await server.request<readonly Action[] | null>("textDocument/codeAction", {
        textDocument: { uri },
        range: { start: position(range.start), end: position(range.end) },
        context: { diagnostics: [], only: ["source.generateTests"], triggerKind: 1 },
    });
    for (const { command } of actions ?? []) {
        const symbol = typeof command === "object" ? command.arguments?.[0]?.symbol : undefined;
        if (symbol !== undefined) {
            return symbol;
        }
    }
    return undefined;
}

function position({ line, character }: vscode.Position): { line: number; character: number } {
    return { line, character };
}

/**
 * All of a module, in their order: from the server's code lenses, or where those are switched off from what another
 * extension knows of the document.
 *
 * @throws {UserError} There are none, or nobody knows them.
 */
export async function symbolsIn(server: Server, file: vscode.Uri): Promise<readonly Definition[]> {
    const lenses = await server.request<readonly Lens[] | null>("textDocument/codeLens", {
        textDocument: { uri: file.toString() },
    });
    const found = (lenses ?? []).flatMap(({ data, range }) =>
        data?.symbol !== undefined ? [{ name: data.symbol, line: range.start.line }] : [],
    );
    const symbols = found.length > 0 ? found : await othersKnow(file);
    if (symbols.length === 0) {
        throw new UserError(
            `No public class or function is known in ${lastName(file)}. Put the cursor into one, and run this again.`,
        );
    }
    return symbols;
}

async function othersKnow(file: vscode.Uri): Promise<readonly Definition[]> {
    const tops = await vscode.commands.executeCommand<readonly vscode.DocumentSymbol[] | undefined>(
        "vscode.executeDocumentSymbolProvider",
        file,
    );
    return (tops ?? []).flatMap((top) => publicIn(top, ""));
}

const KINDS = [vscode.SymbolKind.Class, vscode.SymbolKind.Function, vscode.SymbolKind.Method];

function publicIn(symbol: vscode.DocumentSymbol, outer: string): readonly Definition[] {
    if (!KINDS.includes(symbol.kind) || symbol.name.startsWith("_")) {
        return [];
    }
    const name = outer + symbol.name;
    const inner = symbol.kind === vscode.SymbolKind.Class ? symbol.children : [];
    return [{ name, line: symbol.range.start.line }, ...inner.flatMap((one) => publicIn(one, `${name}.`))];
}

/** Let the user choose one. */
export async function pick(symbols: readonly Definition[]): Promise<string | undefined> {
    const items = symbols.map(({ name, line }) => ({ label: name, description: `line ${line + 1}` }));
    const chosen = await vscode.window.showQuickPick(items, {
        placeHolder: "Generate tests for which class or function?",
    });
    return chosen?.label;
}
