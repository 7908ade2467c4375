/** Chromium, in which a request to any address that is not this machine's own is refused and held against the test. */
import { createServer, type Server } from "node:http";

import { chromium, type Browser, type BrowserContext } from "playwright-core";

import type { Tools } from "./tools";

export interface GuardedBrowser {
    readonly browser: Browser;
    /** Addresses outside of this machine that something in the browser asked for. */
    readonly outside: readonly string[];
    newContext(options?: {
        readonly size?: { readonly width: number; readonly height: number };
    }): Promise<BrowserContext>;
    close(): Promise<void>;
}

/** Start it, without a window. */
export async function startBrowser(tools: Tools): Promise<GuardedBrowser> {
    const outside: string[] = [];
    const refusing = await refuseAll(outside);
    const address = refusing.address();
    if (address === null || typeof address === "string") {
        throw new Error("The proxy that refuses has no port.");
    }
    const browser = await chromium.launch({
        executablePath: tools.chromium,
        args: [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            // All requests of pages, workers and service workers alike; those to this machine itself go there directly.
            `--proxy-server=http://127.0.0.1:${address.port}`,
        ],
    });
    return {
        browser,
        outside,
        newContext: async ({ size = { width: 1280, height: 800 } } = {}) =>
            browser.newContext({
                viewport: size,
                colorScheme: "light",
                permissions: ["clipboard-read", "clipboard-write"],
            }),
        close: async () => {
            await browser.close();
            refusing.closeAllConnections();
            refusing.close();
        },
    };
}

/** Chromium asks for these by itself, whatever the page is: for updates, for an account, for how to fill in forms. */
const CHROMIUMS_OWN =
    /^(http:\/\/)?(update|content-autofill|optimizationguide-pa|safebrowsing)\.googleapis\.com\b|^accounts\.google\.com\b/;

/** A proxy that notes what it is asked for and gives nothing. */
async function refuseAll(outside: string[]): Promise<Server> {
    const note = (url = "?"): void => {
        if (!CHROMIUMS_OWN.test(url)) {
            outside.push(url);
        }
    };
    const server = createServer((request, response) => {
        note(request.url);
        response.writeHead(403).end();
    });
    server.on("connect", (request, socket) => {
        note(request.url);
        socket.on("error", () => undefined); // a browser that ends does not wait for the answer
        socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    });
    return new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(0, "127.0.0.1", () => {
            resolve(server);
        });
    });
}
