/** The theme's colours as a canvas needs them: values, not variables. */
export interface ChartColors {
  /** of axes and legends */
  text: string;
  /** of what is read first */
  strong: string;
  grid: string;
  up: string;
  down: string;
  upSoft: string;
  downSoft: string;
  forecast: string;
  forecastSoft: string;
  card: string;
}

export function readChartColors(element: HTMLElement): ChartColors {
  const style = getComputedStyle(element);
  const read = (name: string) => style.getPropertyValue(name).trim();
  return {
    text: read('--muted'),
    strong: read('--mantine-color-text'),
    grid: read('--line'),
    up: read('--up'),
    down: read('--down'),
    upSoft: read('--up-soft'),
    downSoft: read('--down-soft'),
    forecast: read('--forecast'),
    forecastSoft: read('--forecast-soft'),
    card: read('--card'),
  };
}
