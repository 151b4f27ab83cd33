using System.Text.RegularExpressions;

namespace DeepEdu.Education.Personal;

/// <summary>Something in a text that seems to be of a person.</summary>
/// <param name="Kind">One of <see cref="PersonalData.Kinds"/>, which is also its placeholder.</param>
/// <param name="At">Its first character, from 0.</param>
/// <param name="Length">Its characters.</param>
internal readonly record struct Finding(string Kind, int At, int Length);

/// <summary>Finds in texts what has the form of personal data: addresses of mail and pages, numbers of accounts and cards whose check digits fit, telephone numbers, other long numbers, @handles, and names of a given list. It finds forms, not persons: names that are not
/// in the list, street addresses, dates of birth, and what is misspelt or written in words it cannot find.</summary>
/// <param name="names">Names to look for; none if null.</param>
internal sealed partial class PersonalData(NameList? names = null)
{
    /// <summary>In the order in which they are looked for: what one kind has taken is no other's.</summary>
    public static readonly string[] Kinds = ["EMAIL", "URL", "IBAN", "CARD", "PHONE", "NUMBER", "HANDLE", "NAME"];

    /// <summary>What a text holds, in the order of the text; no two overlap.</summary>
    public List<Finding> Find(string text)
    {
        List<Finding> found = [];
        Take("EMAIL", Email(), m => !Placeholder().IsMatch(m[m.IndexOf('@', StringComparison.Ordinal)..]));
        Take("URL", Url(), _ => true);
        Take("IBAN", Iban(), IsIban);
        Take("CARD", Card(), IsCard);
        Take("PHONE", Phone(), m => Digits(m) is >= 7 and <= 15);
        Take("NUMBER", Number(), _ => true);
        Take("HANDLE", Handle(), m => !Placeholder().IsMatch(m));
        if (names is not null)
        {
            foreach (var (at, length) in names.Find(text)) { Add(new("NAME", at, length)); }
        }
        return [.. found.OrderBy(f => f.At)];

        void Take(string kind, Regex form, Func<string, bool> holds)
        {
            foreach (Match m in form.Matches(text))
            {
                if (holds(m.Value)) { Add(new(kind, m.Index, m.Length)); }
            }
        }

        void Add(Finding finding)
        {
            if (!found.Exists(f => f.At < finding.At + finding.Length && finding.At < f.At + f.Length)) { found.Add(finding); }
        }
    }

    /// <summary>The text with a placeholder such as [EMAIL] for each finding.</summary>
    public static string Replace(string text, IReadOnlyList<Finding> found)
    {
        for (int i = found.Count - 1; i >= 0; i--) { text = $"{text[..found[i].At]}[{found[i].Kind}]{text[(found[i].At + found[i].Length)..]}"; }
        return text;
    }

    private static int Digits(string text) => text.Count(char.IsAsciiDigit);

    /// <summary>ISO 13616: the first four characters moved to the end, letters as 10 to 35, the number leaves 1 when divided by 97.</summary>
    private static bool IsIban(string text)
    {
        string iban = text.Replace(" ", "", StringComparison.Ordinal);
        if (iban.Length is < 15 or > 34) { return false; }
        int rest = 0;
        foreach (char c in iban[4..] + iban[..4])
        {
            int value = char.IsAsciiDigit(c) ? c - '0' : char.ToUpperInvariant(c) - 'A' + 10;
            rest = ((rest * (value > 9 ? 100 : 10)) + value) % 97;
        }
        return rest == 1;
    }

    /// <summary>ISO 7812: 13 to 19 digits of which every second, from the right, counts twice (Luhn).</summary>
    private static bool IsCard(string text)
    {
        int sum = 0, place = 0;
        foreach (char c in text.Reverse().Where(char.IsAsciiDigit))
        {
            int d = (c - '0') * (1 + (place++ % 2));
            sum += d > 9 ? d - 9 : d;
        }
        return place is >= 13 and <= 19 && sum % 10 == 0;
    }

    [GeneratedRegex(@"(?<![\w.+-])[\w.%+-]+@(?:[\w-]+\.)+\p{L}{2,}", RegexOptions.CultureInvariant)]
    private static partial Regex Email();

    [GeneratedRegex(@"(?<!\w)(?:(?:https?|ftp)://|www\.)[^\s<>""'\\]*[^\s<>""'\\.,;:!?)\]]", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Url();

    [GeneratedRegex(@"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?!\w)", RegexOptions.CultureInvariant)]
    private static partial Regex Iban();

    [GeneratedRegex(@"(?<![\w.])\d(?:[ -]?\d){12,18}(?!\w)", RegexOptions.CultureInvariant)]
    private static partial Regex Card();

    // with a country's code; in the form 3-3-4; or from a zero on, in groups
    [GeneratedRegex(@"(?<![\w.+])(?:(?:\+|00)[1-9](?:[ ./()-]{0,2}\d){6,14}|\(?[2-9]\d{2}\)?[ .-]{1,2}\d{3}[ .-]\d{4}|\(?0[1-9]\d{0,4}\)?(?:[ ./-]{1,3}\d{2,}){1,4})(?!\w)", RegexOptions.CultureInvariant)]
    private static partial Regex Phone();

    [GeneratedRegex(@"(?<![\w.])\d{7,}(?!\w)", RegexOptions.CultureInvariant)]
    private static partial Regex Number();

    [GeneratedRegex(@"(?<![\w@./])@[\p{L}_][\w.]*\w", RegexOptions.CultureInvariant)]
    private static partial Regex Handle();

    // what the ASAP essays have in place of names, alone or run together with what comes next: personal data that is gone already
    [GeneratedRegex(@"^@(?:PERSON|ORGANIZATION|LOCATION|DATE|TIME|MONEY|PERCENT|CAPS|NUM|MONTH|EMAIL|DR|CITY|STATE)(?:\d|$)", RegexOptions.CultureInvariant)]
    private static partial Regex Placeholder();
}
