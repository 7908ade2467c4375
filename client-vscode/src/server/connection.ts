/**
 * The language client. It is a bundle of its own, loaded when the server starts, so that activation does not pay for it:
 * nothing but types may be imported from here.
 */
import { LanguageClient, type LanguageClientOptions, type ServerOptions } from "vscode-languageclient/node";

/** Make a client that has not been started. */
export function createClient(server: ServerOptions, options: LanguageClientOptions): LanguageClient {
    return new LanguageClient("testwright", "Testwright", server, options);
}
