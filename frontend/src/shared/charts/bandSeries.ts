import {
  customSeriesDefaultOptions,
  type CustomData,
  type CustomSeriesOptions,
  type ICustomSeriesPaneRenderer,
  type ICustomSeriesPaneView,
  type PaneRendererCustomData,
  type PriceToCoordinateConverter,
  type Time,
  type WhitespaceData,
} from 'lightweight-charts';

/** An interval at one time. */
export interface BandPoint extends CustomData {
  lower: number;
  upper: number;
}

export interface BandOptions extends CustomSeriesOptions {
  fill: string;
  /** drawn along both edges; empty for none */
  stroke: string;
}

type Target = Parameters<ICustomSeriesPaneRenderer['draw']>[0];

interface Corner {
  x: number;
  lower: number;
  upper: number;
}

class BandRenderer implements ICustomSeriesPaneRenderer {
  #data: PaneRendererCustomData<Time, BandPoint> | null = null;
  #options: BandOptions | null = null;

  update(data: PaneRendererCustomData<Time, BandPoint>, options: BandOptions): void {
    this.#data = data;
    this.#options = options;
  }

  draw(target: Target, toY: PriceToCoordinateConverter): void {
    const corners = this.#corners(toY);
    const options = this.#options;
    if (corners.length < 2 || !options) return;
    target.useMediaCoordinateSpace(({ context }) => {
      const path = new Path2D();
      corners.forEach(({ x, upper }) => {
        path.lineTo(x, upper);
      });
      corners.toReversed().forEach(({ x, lower }) => {
        path.lineTo(x, lower);
      });
      path.closePath();
      context.fillStyle = options.fill;
      context.fill(path);
      if (!options.stroke) return;
      context.strokeStyle = options.stroke;
      context.lineWidth = 1;
      for (const edge of ['upper', 'lower'] as const) {
        context.beginPath();
        corners.forEach((corner) => {
          context.lineTo(corner.x, corner[edge]);
        });
        context.stroke();
      }
    });
  }

  /** The points on the screen, and one more at each side, so that the band runs out of the picture. */
  #corners(toY: PriceToCoordinateConverter): Corner[] {
    const data = this.#data;
    if (!data?.visibleRange) return [];
    const { from, to } = data.visibleRange;
    return data.bars.slice(Math.max(0, from - 1), to + 1).flatMap(({ x, originalData }) => {
      const lower = toY(originalData.lower);
      const upper = toY(originalData.upper);
      return lower === null || upper === null ? [] : [{ x, lower, upper }];
    });
  }
}

/** A filled band between a lower and an upper price, which lightweight-charts has no series for. */
export class BandSeries implements ICustomSeriesPaneView<Time, BandPoint, BandOptions> {
  readonly #renderer = new BandRenderer();

  renderer(): ICustomSeriesPaneRenderer {
    return this.#renderer;
  }

  update(data: PaneRendererCustomData<Time, BandPoint>, options: BandOptions): void {
    this.#renderer.update(data, options);
  }

  priceValueBuilder(point: BandPoint): number[] {
    return [point.lower, point.upper, (point.lower + point.upper) / 2];
  }

  isWhitespace(point: BandPoint | WhitespaceData): point is WhitespaceData {
    return !('lower' in point);
  }

  defaultOptions(): BandOptions {
    return { ...customSeriesDefaultOptions, fill: 'transparent', stroke: '' };
  }
}
