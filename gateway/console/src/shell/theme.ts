export type Theme = 'light' | 'dark';

const key = 'sallyport.theme';
const prefersDark = matchMedia('(prefers-color-scheme: dark)');

export const themeNow = (): Theme =>
  (localStorage.getItem(key) as Theme | null) ?? (prefersDark.matches ? 'dark' : 'light');

export function applyTheme(): void {
  document.documentElement.dataset['theme'] = themeNow();
}

export function switchTheme(): void {
  localStorage.setItem(key, themeNow() === 'dark' ? 'light' : 'dark');
  applyTheme();
}

prefersDark.addEventListener('change', applyTheme);
