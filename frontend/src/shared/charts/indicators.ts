import { HistogramSeries, LineSeries, LineStyle, type IChartApi, type ISeriesApi } from 'lightweight-charts';
import { OVERLAID } from './panes';

/** A value of an indicator at a session; null in its warm-up. */
export interface IndicatorPoint {
  session: string;
  value: number | null;
}

/** One line (or row of columns) of an indicator. */
export interface IndicatorLine {
  /** names it in the legend, and tells it from others */
  id: string;
  /** where it is drawn, see {@link OVERLAID} */
  pane: string;
  kind: 'line' | 'columns';
  /** a CSS colour */
  color: string;
  /** drawn finely */
  dashed?: boolean;
  points: readonly IndicatorPoint[];
}

type Series = ISeriesApi<'Line'> | ISeriesApi<'Histogram'>;

/** The height of the candles' pane beside one of an indicator. */
const PRICES = 4;

function ownPanes(lines: readonly IndicatorLine[]): string[] {
  return [...new Set(lines.map((line) => line.pane))].filter((pane) => !OVERLAID.includes(pane));
}

/** The indicators of a chart: adds, fills and removes their series as they are switched on and off. */
export class IndicatorLayer {
  readonly #chart: IChartApi;
  #series: Series[] = [];
  #shown = '';

  constructor(chart: IChartApi) {
    this.#chart = chart;
  }

  set(lines: readonly IndicatorLine[]): void {
    const wanted = lines.map((line) => line.id).join(' ');
    // Panes are numbered from the top, so another set of indicators is laid out anew.
    if (wanted !== this.#shown) this.#layOut(lines);
    this.#shown = wanted;
    lines.forEach((line, index) => {
      const series = this.#series[index];
      series?.applyOptions({ color: line.color });
      series?.setData(
        line.points.map(({ session, value }) =>
          value === null ? { time: session } : { time: session, value },
        ),
      );
    });
  }

  #layOut(lines: readonly IndicatorLine[]): void {
    // With its last series a pane goes as well.
    for (const series of this.#series) this.#chart.removeSeries(series);
    const panes = ownPanes(lines);
    this.#series = lines.map((line) => this.#add(line, panes.indexOf(line.pane) + 1));
    this.#chart.panes().forEach((pane, index) => {
      pane.setStretchFactor(index === 0 ? PRICES : 1);
    });
  }

  #add(line: IndicatorLine, pane: number): Series {
    const common = {
      priceLineVisible: false,
      lastValueVisible: pane > 0,
      ...(line.pane === 'volume' ? { priceScaleId: 'volume' } : {}),
    };
    if (line.kind === 'columns') return this.#chart.addSeries(HistogramSeries, common, pane);
    const lineStyle = line.dashed ? LineStyle.Dashed : LineStyle.Solid;
    return this.#chart.addSeries(
      LineSeries,
      { ...common, lineWidth: 1, lineStyle, crosshairMarkerRadius: 3 },
      pane,
    );
  }
}
