import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';

/** Debian's Chromium with a fresh profile; it asks nobody on the internet for anything. */
export class Browser {
  readonly #context: BrowserContext;
  readonly #profile: string;
  /** What pages complained of: errors of scripts, and of the content policy. */
  readonly complaints: string[] = [];

  private constructor(context: BrowserContext, profile: string) {
    this.#context = context;
    this.#profile = profile;
    context.on('page', (page) => this.#listen(page));
    for (const page of context.pages()) this.#listen(page);
  }

  static async start(options: { readonly dark?: boolean; readonly width?: number } = {}): Promise<Browser> {
    const profile = mkdtempSync(join(tmpdir(), 'sallyport-browser-'));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: '/usr/bin/chromium',
      headless: true,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
      viewport: { width: options.width ?? 1280, height: 900 },
      colorScheme: options.dark === true ? 'dark' : 'light',
    });
    return new Browser(context, profile);
  }

  page(): Promise<Page> {
    return this.#context.newPage();
  }

  /** Signed in to nothing. */
  async forget(): Promise<void> {
    await this.#context.clearCookies();
  }

  async stop(): Promise<void> {
    await this.#context.close();
    rmSync(this.#profile, { recursive: true, force: true });
  }

  #listen(page: Page): void {
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text());
    });
  }
}
