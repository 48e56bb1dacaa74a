import { IconArrowDownRight, IconArrowUpRight } from '@tabler/icons-react';
import { useFormat } from '@/shared/format/useFormat';

/** A share with its sign, its colour and an arrow, so that colour is not the only thing that tells. */
export function Change({ share, size = 14 }: { share: number; size?: number }) {
  const format = useFormat();
  const Arrow = share < 0 ? IconArrowDownRight : IconArrowUpRight;
  const tone = share < 0 ? 'down' : share > 0 ? 'up' : 'muted';
  return (
    <span className={`nowrap ${tone}`}>
      {share !== 0 && <Arrow size={size + 2} style={{ verticalAlign: '-0.2em' }} aria-hidden />}
      {format.change(share)}
    </span>
  );
}
