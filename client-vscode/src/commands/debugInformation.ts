/** Debug information: a document to be pasted into a report of a bug. */
import { homedir, release, userInfo } from "node:os";
import * as vscode from "vscode";

import type { Item } from "../agent/pure/words";
import { ToServer, type ServerStatus } from "../protocol";
import { SECTION, settingsOf } from "../settings";
import type { Parts } from "./commands";
import { debugDocument } from "./pure/debugInformation";

/** Other extensions that it depends on what this one does. */
const NEIGHBOURS = ["ms-python.python", "ms-python.vscode-python-envs"];

export async function debugInformation(parts: Parts): Promise<void> {
    const text = debugDocument({
        versions: versions(parts.context),
        server: await server(parts),
        interpreters: await interpreters(parts),
        settings: changedSettings(parts.context),
        home: homedir(),
        user: userInfo().username,
    });
    await parts.documents.show("Testwright Debug Information", text, "text");
}

function versions(context: vscode.ExtensionContext): readonly (readonly [string, string])[] {
    const neighbours = NEIGHBOURS.map((id) => [id, versionOf(vscode.extensions.getExtension(id))] as const);
    return [
        ["Testwright", versionOf(context.extension)],
        [vscode.env.appName, vscode.version],
        ["Node.js", process.versions.node],
        ["system", `${process.platform} ${process.arch}, ${release()}`],
        ["remote", vscode.env.remoteName ?? "no"],
        ["user interface", vscode.env.uiKind === vscode.UIKind.Web ? "web" : "desktop"],
        ["folders", String(vscode.workspace.workspaceFolders?.length ?? 0)],
        ["trusted", vscode.workspace.isTrusted ? "yes" : "no"],
        ...neighbours,
    ];
}

function versionOf(extension: vscode.Extension<unknown> | undefined): string {
    const version: unknown = (extension?.packageJSON as { version?: unknown } | undefined)?.version;
    return typeof version === "string" ? version : "not there";
}

/** What is known of it as it is; it is not started to be asked. */
async function server(parts: Parts): Promise<readonly (readonly [string, string])[]> {
    const { state } = parts.server;
    const keys = Object.keys(await parts.keys.environment());
    const kept = ["API keys that are kept", keys.length > 0 ? keys.join(", ") : "none"] as const;
    if (state !== "running") {
        return [["state", state], kept];
    }
    const [status, program] = await Promise.all([
        parts.server.request<ServerStatus>(ToServer.status, {}),
        parts.programs.find(),
    ]);
    const runs = status.runs.map((run) => `${run.kind} (${run.state})`);
    return [
        ["state", state],
        ["version", status.version],
        ["its Python", status.python],
        ["program", `${program.description}: ${[program.command, ...program.args].join(" ")}`],
        ["runs", runs.length > 0 ? runs.join(", ") : "none"],
        ["agent", agentWords(parts.agent.shown)],
        kept,
    ];
}

function agentWords(shown: Item | undefined): string {
    return shown === undefined ? "not told" : [shown.text, shown.detail].filter((part) => part !== "").join(": ");
}

async function interpreters(parts: Parts): Promise<readonly (readonly [string, string])[]> {
    const folders = vscode.workspace.workspaceFolders ?? [];
    return Promise.all(
        folders.map(async ({ name, uri }) => {
            const chosen = await parts.interpreters.of(uri);
            return [name, chosen !== undefined ? `${chosen.path} (${chosen.source})` : "none is chosen"] as const;
        }),
    );
}

/** Those that somebody has set, for the window and for each folder. */
function changedSettings(context: vscode.ExtensionContext): readonly (readonly [string, unknown])[] {
    const manifest = context.extension.packageJSON as {
        contributes: { configuration: { properties: Readonly<Record<string, unknown>> } };
    };
    const names = Object.keys(manifest.contributes.configuration.properties).map((name) =>
        name.slice(SECTION.length + 1),
    );
    const folders = vscode.workspace.workspaceFolders ?? [];
    const scopes = [undefined, ...(folders.length > 1 ? folders.map((folder) => folder.uri) : [])];
    return names.flatMap((name) => {
        const found = scopes.flatMap((scope) => {
            const value = settingsOf(scope).get<unknown>(name);
            const byDefault = settingsOf(scope).inspect<unknown>(name)?.defaultValue;
            return JSON.stringify(value) === JSON.stringify(byDefault) ? [] : [JSON.stringify(value)];
        });
        return [...new Set(found)].map((value) => [`${SECTION}.${name}`, JSON.parse(value) as unknown] as const);
    });
}
