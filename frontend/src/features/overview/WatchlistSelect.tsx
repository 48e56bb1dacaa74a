import '@/shared/ui/mantineMore';
import { Select } from '@mantine/core';
import { useTranslation } from 'react-i18next';

interface WatchlistSelectProps {
  options: readonly { value: string; label: string }[];
  /** the list's id; none: all stocks */
  shown: string | undefined;
  onShow: (id: string | undefined) => void;
}

const ALL = 'all';

/** Which of the lists is shown. */
export default function WatchlistSelect({ options, shown, onShow }: WatchlistSelectProps) {
  const { t } = useTranslation();
  return (
    <Select
      aria-label={t('watchlist.label')}
      data={[{ value: ALL, label: t('watchlist.all') }, ...options]}
      value={shown ?? ALL}
      onChange={(value) => {
        onShow(value === ALL ? undefined : (value ?? undefined));
      }}
      w={190}
      data-testid="watchlists"
    />
  );
}
