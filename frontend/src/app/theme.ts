import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

/** A neutral dark with a little blue, so that charts stand out from it. */
const dark: MantineColorsTuple = [
  '#d3d9e4',
  '#b3bccb',
  '#8f9bb0',
  '#66738a',
  '#38445a',
  '#2a3447',
  '#1d2535',
  '#151c2a',
  '#0f1520',
  '#0a0f18',
];

export const theme = createTheme({
  primaryColor: 'indigo',
  primaryShade: 7,
  autoContrast: true,
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontFamily:
    "'Geist Variable', system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'PingFang TC', 'Microsoft JhengHei', 'Noto Sans CJK TC', 'Noto Sans TC', sans-serif",
  fontFamilyMonospace: "ui-monospace, SFMono-Regular, Menlo, 'DejaVu Sans Mono', monospace",
  headings: { fontWeight: '650' },
  colors: { dark },
  // Plain values: a component that is named here by itself would be fetched with the first page.
  components: {
    Card: { defaultProps: { withBorder: true, padding: 'lg', radius: 'lg' } },
    Badge: {
      defaultProps: { variant: 'light', radius: 'sm' },
      styles: { label: { textTransform: 'none' } },
    },
    Button: { defaultProps: { radius: 'md' } },
    ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray' } },
    Select: { defaultProps: { allowDeselect: false } },
    // More tabs than fit beside each other slide, in one row.
    Tabs: {
      styles: {
        list: { flexWrap: 'nowrap', overflowX: 'auto', scrollbarWidth: 'none' },
        tab: { flex: 'none' },
      },
    },
    Modal: { styles: { title: { fontWeight: 650 } } },
    Drawer: { styles: { title: { fontWeight: 650 } } },
  },
});

/** Mantine's variables that our pages set otherwise; our own are in styles.css. */
export const resolveVariables: CSSVariablesResolver = () => ({
  variables: {
    '--mantine-color-body': 'var(--page)',
  },
  // Hints beside inputs are read as well: 4.5:1, which Mantine's own greys of either scheme do not reach.
  light: {
    '--mantine-color-dimmed': 'var(--muted)',
    '--mantine-color-placeholder': 'var(--muted)',
    // Mantine's own are too pale for small text on their soft backgrounds (4.5:1).
    '--mantine-color-yellow-light-color': '#854d0e',
    '--mantine-color-teal-light-color': '#0b6b4f',
    '--mantine-color-red-light-color': '#a61e1e',
  },
  dark: {
    '--mantine-color-dimmed': 'var(--muted)',
    '--mantine-color-placeholder': 'var(--muted)',
    // Nearly black otherwise, which is darker than the cards it lies on.
    '--mantine-color-gray-light': 'rgb(148 160 180 / 14%)',
    '--mantine-color-gray-light-color': '#c3ccd9',
  },
});
