/** The trace of what goes over the wire, for `testwright.trace.server`: a channel that is made when it is first wanted. */
import * as vscode from "vscode";

import { settingsOf } from "../settings";

/**
 * A channel that the language client traces into while the setting says so.
 *
 * The client itself goes by the level of the channel, which nobody would look for.
 *
 * @param hide Puts something else in place of what must not be written down.
 */
export function createTrace(hide: (text: string) => string): vscode.LogOutputChannel {
    const name = "Testwright Trace";
    const levelChanged = new vscode.EventEmitter<vscode.LogLevel>();
    let channel: vscode.OutputChannel | undefined;
    const level = () => (isTraced() ? vscode.LogLevel.Trace : vscode.LogLevel.Off);
    const write = (text: string) => {
        channel ??= vscode.window.createOutputChannel(name);
        channel.appendLine(`${new Date().toISOString()} ${hide(text)}`);
    };
    const follow = vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration("testwright.trace.server")) {
            levelChanged.fire(level());
        }
    });
    return {
        name,
        get logLevel() {
            return level();
        },
        onDidChangeLogLevel: levelChanged.event,
        trace: write,
        debug: write,
        info: write,
        warn: write,
        error: (error) => {
            write(error instanceof Error ? error.message : error);
        },
        append: write,
        appendLine: write,
        replace: write,
        clear: () => channel?.clear(),
        // eslint-disable-next-line @typescript-eslint/no-deprecated -- the interface has both forms
        show: () => undefined, // only those who look for it see it
        hide: () => channel?.hide(),
        dispose: () => {
            follow.dispose();
            levelChanged.dispose();
            channel?.dispose();
        },
    };
}

function isTraced(): boolean {
    return (settingsOf().get<string>("trace.server") ?? "off") !== "off";
}
