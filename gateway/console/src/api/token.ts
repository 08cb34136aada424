/** The tab's token: gone with the tab, never in a URL, never in a cookie that other pages could ride on. */
const key = 'sallyport.token';

export const keptToken = (): string | undefined => sessionStorage.getItem(key) ?? undefined;

export function keepToken(token: string): void {
  sessionStorage.setItem(key, token);
}

export function forgetToken(): void {
  sessionStorage.removeItem(key);
}
