using System.Text;
using DeepEdu.Data;
using DeepEdu.Numerics;
using DeepEdu.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace DeepEdu.Tests.Data;

public class TokenizerTests
{
    private static readonly string[] s_texts = [.. Enumerable.Repeat("low", 5), "lower lower", .. Enumerable.Repeat("the newest", 6), "widest widest widest", "don't — it's 1,200.5 naïve 日本語 👩‍🏫\n\n  two"];

    [Fact]
    public void TheMostFrequentTokensComeFirst()
    {
        var words = Vocabulary.Of([["b", "a", "a"], ["c", "b", "a"], ["d", "b"]], size: 4);
        Assert.Equal(["<pad>", "<unk>", "a", "b"], words.Decode([0, 1, 2, 3])); // a and b three times each
        Assert.Equal([2, 3, 1], words.Encode(["a", "b", "c"]));
        Assert.True(words.Has("a") && words.Has(Vocabulary.Unknown) && !words.Has("c"));
        Assert.Contains("\"x\" is number 0 and 1", Assert.Throws<InvalidDataException>(() => Vocabulary.Load(new StateDict().Set("tokens", ["x", "x"]))).Message, StringComparison.Ordinal);
        Assert.Equal(4, Vocabulary.Of([["b", "a", "a"], ["c", "b", "a"]], atLeast: 2).Count);
        var bare = Vocabulary.Of([["x"]], special: []);
        Assert.Contains("no token \"y\"", Assert.Throws<KeyNotFoundException>(() => bare["y"]).Message, StringComparison.Ordinal);
        Assert.Contains("number 1 is outside 0..0", Assert.Throws<ArgumentOutOfRangeException>(() => bare[1]).Message, StringComparison.Ordinal);
        Assert.Contains("token \"a\" is number 0 and 2", Assert.Throws<ArgumentException>(() => new Vocabulary(["a", "b", "a"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WordsAreSplitAtWhatIsNoLetter()
    {
        Assert.Equal(["don't", "—", "it's", "1", ",", "200", ".", "5", "well-known", "-", "naïve", "日本語", "!", "!"], WordTokenizer.Split("Don't — it's 1,200.5 well-known- naïve 日本語!!"));
        var words = WordTokenizer.Train(["the dog", "The cat"]);
        Assert.Equal(words.Count, words.Vocabulary.Count);
        Assert.Equal("the <unk> cat", words.Decode(words.Encode("THE\thorse cat")));
        Assert.Empty(words.Encode(" \n"));
    }

    [Fact]
    public void CharactersComeBack()
    {
        var chars = CharTokenizer.Train(s_texts, special: []);
        Assert.All(s_texts, t => Assert.Equal(t, chars.Decode(chars.Encode(t))));
        Assert.Equal(4, chars.Encode("👩‍🏫e").Length); // woman, joiner, school, e
    }

    [Fact]
    public void PiecesAreThoseOfGpt2()
    {
        // each worked out from the rule by hand
        Assert.Equal(["I", "'m", " fine", ",", " you", "'re", " not", "!!", "  ", " x", "\n", "\n", "y", " 42", "nd", " '", "s", "\t", "z", "  "], BpeSplit.Pieces("I'm fine, you're not!!   x\n\ny 42nd 's\tz  "));
        Assert.Equal([" ²½", "é", "_€", " 日本"], BpeSplit.Pieces(" ²½é_€ 日本"));
        Assert.Equal(["Ġlow", "Ċ", "é"], new[] { " low", "\n" }.Select(p => BpeSplit.Show(Encoding.UTF8.GetBytes(p))).Append(BpeSplit.Show([0xE9])));
        Assert.Equal(Enumerable.Range(0, 256), BpeSplit.Bytes.Select(b => (int)b).Order());
        Assert.All(BpeSplit.Bytes, b => Assert.Equal([b], BpeSplit.Unshow(BpeSplit.Show([b]))!));
    }

    [Fact]
    public void MergesAreTheMostFrequentPairs()
    {
        var bpe = BpeTokenizer.Train(s_texts, 262, special: "<|endoftext|>");
        Assert.Equal((262, 5, 261), (bpe.Count, bpe.Merges, bpe.Special("<|endoftext|>")));
        // e s and s t nine times in newest and widest, so the lower number first; then es t; l o seven times; of Ġ n (newest, naïve) and lo w, seven times each, the lower number first
        Assert.Equal(["es", "est", "lo", " n", "low"], Enumerable.Range(256, 5).Select(t => bpe.Decode([t])));
        Assert.Equal("low<|endoftext|>", bpe.Decode([.. bpe.Encode("low"), 261]));
        Assert.Equal([260], bpe.Encode("low"));
        Assert.Contains("no special token \"<s>\"; there are: <|endoftext|>", Assert.Throws<KeyNotFoundException>(() => bpe.Special("<s>")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TrainingAgreesWithCountingAnewEachTime()
    {
        string text = string.Join(' ', Enumerable.Range(0, 3000).Select(i => Convert.ToString(i * 7919 % 2003, 8)));
        var bpe = BpeTokenizer.Train([text], 256 + 150);
        var words = BpeSplit.Pieces(text).Select(p => Encoding.UTF8.GetBytes(p).Select(b => Array.IndexOf(BpeSplit.Bytes, b)).ToList()).ToList();
        for (int merge = 0; merge < 150; merge++)
        {
            Dictionary<(int L, int R), int> counts = [];
            foreach (var pair in words.SelectMany(w => w.Zip(w.Skip(1)))) { counts[pair] = counts.GetValueOrDefault(pair) + 1; }
            var best = counts.OrderByDescending(c => c.Value).ThenBy(c => c.Key.L).ThenBy(c => c.Key.R).First().Key;
            Assert.Equal(bpe.Decode([best.L]) + bpe.Decode([best.R]), bpe.Decode([256 + merge]));
            foreach (var word in words)
            {
                for (int i = 0; i + 1 < word.Count; i++)
                {
                    if ((word[i], word[i + 1]) == best)
                    {
                        word[i] = 256 + merge;
                        word.RemoveAt(i + 1);
                    }
                }
            }
        }
        Assert.Equal(words.SelectMany(w => w), bpe.Encode(text)); // merging in order of rank gives what training made
    }

    /// <summary>Runs, and tokens that a merge to their left has eaten into: few letters, pieces of any length, any order of merges.</summary>
    [Fact]
    public void TrainingOnFewLettersAgreesWithCountingAnew() => Properties.Hold(60, Prop.ForAll(Gen.Elements("a", "a", "b", "c", " ").ListOf().Select(string.Concat).ToArbitrary(), text =>
    {
        var bpe = BpeTokenizer.Train([text], 256 + 12, atLeast: 1);
        List<List<string>> words = [.. BpeSplit.Pieces(text).Select(p => p.Select(c => $"{c}").ToList())];
        Dictionary<string, int> numbers = Enumerable.Range(0, 256).ToDictionary(i => Encoding.Latin1.GetString([BpeSplit.Bytes[i]]), i => i);
        for (int merge = 0; merge < bpe.Merges; merge++)
        {
            var best = words.SelectMany(w => w.Zip(w.Skip(1))).CountBy(p => p).OrderByDescending(c => c.Value).ThenBy(c => numbers[c.Key.First]).ThenBy(c => numbers[c.Key.Second]).First().Key;
            string joined = best.First + best.Second;
            Assert.Equal(joined, bpe.Decode([256 + merge]));
            numbers.Add(joined, 256 + merge);
            foreach (var word in words)
            {
                for (int i = 0; i + 1 < word.Count; i++) { if ((word[i], word[i + 1]) == best) { word[i] = joined; word.RemoveAt(i + 1); } }
            }
        }
        Assert.True(bpe.Merges == 12 || words.All(w => w.Count == 1));
        Assert.Equal(words.SelectMany(w => w).Select(t => numbers[t]), bpe.Encode(text));
    }));

    /// <summary>One piece without a space, such as bytes in letters: a merge costs what it changes there too. Copies of the piece would be 250 times 200 kB, and its pairs more.</summary>
    [Fact]
    public void OneLongPieceIsNotCopiedWithEveryMerge()
    {
        var rng = new Rng(1);
        string text = string.Create(50_000, rng, (to, r) => { for (int i = 0; i < to.Length; i++) { to[i] = (char)('a' + r.Next(20)); } });
        long before = GC.GetAllocatedBytesForCurrentThread();
        var bpe = BpeTokenizer.Train([text], 256 + 250);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 40_000_000);
        Assert.Equal(250, bpe.Merges);
        Assert.Equal(text, bpe.Decode(bpe.Encode(text)));
    }

    [Fact]
    public void AnyTextComesBackFromItsTokens()
    {
        var bpe = BpeTokenizer.Train(s_texts, 300);
        var text = ArbMap.Default.ArbFor<string>().Convert(s => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(s ?? "")), s => s); // well-formed: a lone surrogate is no character
        Prop.ForAll(text, s => bpe.Decode(bpe.Encode(s)) == s).Hold();
        var known = Gen.Elements("low", " ", "est", "'s", "\n", "日", "👩‍🏫", "\0", "é").ListOf().Select(string.Concat).ToArbitrary();
        Prop.ForAll(known, s => bpe.Decode(bpe.Encode(s)) == s && bpe.Encode(s).Length <= Encoding.UTF8.GetByteCount(s)).Hold();
        string run = new('a', 100_000);
        Assert.Equal(run, bpe.Decode(bpe.Encode(run)));
    }

    [Fact]
    public void TrainingIsDeterministicAndFilesComeBack()
    {
        BpeTokenizer one = BpeTokenizer.Train(s_texts, 290, special: ["<|endoftext|>", "<pad>"]), two = BpeTokenizer.Train(s_texts, 290, special: ["<|endoftext|>", "<pad>"]);
        using MemoryStream vocabulary = new(), merges = new(), again = new(), andAgain = new();
        one.Save(vocabulary, merges);
        two.Save(again, andAgain);
        Assert.Equal(vocabulary.ToArray(), again.ToArray());
        Assert.Equal(merges.ToArray(), andAgain.ToArray());
        (vocabulary.Position, merges.Position) = (0, 0);
        var loaded = BpeTokenizer.Load(vocabulary, merges);
        Assert.Equal((one.Count, one.Merges, one.Special("<pad>")), (loaded.Count, loaded.Merges, loaded.Special("<pad>")));
        Assert.All(s_texts, t => Assert.Equal(one.Encode(t), loaded.Encode(t)));
        Assert.StartsWith("#version: 0.2\ne s\nes t\n", Encoding.UTF8.GetString(merges.ToArray()), StringComparison.Ordinal);
    }

    [Fact]
    public void Gpt2FilesOfAnotherOrderAreRead()
    {
        // GPT-2 numbers merges as it likes; only the names count
        string[] names = [.. BpeSplit.Bytes.Select(b => BpeSplit.Show([b])).Reverse(), "<|endoftext|>", "low", "lo"];
        string json = System.Text.Json.JsonSerializer.Serialize(names.Select((n, i) => (n, i)).ToDictionary(p => p.n, p => p.i));
        var bpe = Load(json, "#version: 0.2\nl o\nlo w\n");
        Assert.Equal([257, 258], bpe.Encode("lowlo"));
        Assert.Equal(256, bpe.Special("<|endoftext|>"));
        Assert.Contains("line 1 of the merges: no token \"x y\"".Replace("x y", "qx", StringComparison.Ordinal), Assert.Throws<InvalidDataException>(() => Load(json, "q x\n")).Message, StringComparison.Ordinal);
        Assert.Contains("line 2 of the merges is not two tokens", Assert.Throws<InvalidDataException>(() => Load(json, "l o\nlow\n")).Message, StringComparison.Ordinal);
        Assert.Contains("merge 1 is merge 0 again", Assert.Throws<InvalidDataException>(() => Load(json, "l o\nl o\n")).Message, StringComparison.Ordinal);
        Assert.Contains("not a JSON object", Assert.Throws<InvalidDataException>(() => Load("[1]", "")).Message, StringComparison.Ordinal);
        Assert.Contains("no token for byte", Assert.Throws<InvalidDataException>(() => Load("{\"a\":0}", "")).Message, StringComparison.Ordinal);
        Assert.Contains("numbers must be 0..0", Assert.Throws<InvalidDataException>(() => Load("{\"a\":3}", "")).Message, StringComparison.Ordinal);

        static BpeTokenizer Load(string vocabulary, string merges) => BpeTokenizer.Load(new MemoryStream(Encoding.UTF8.GetBytes(vocabulary)), new MemoryStream(Encoding.UTF8.GetBytes(merges)));
    }

    [Fact]
    public void EveryKindIsSavedWithTheModel()
    {
        foreach (ITokenizer made in new ITokenizer[] { WordTokenizer.Train(s_texts, lower: false), CharTokenizer.Train(s_texts), BpeTokenizer.Train(s_texts, 280, special: "<pad>") })
        {
            var state = new StateDict();
            made.SaveState(state);
            var loaded = Tokenizer.Load(state);
            Assert.Equal((made.GetType(), made.Count), (loaded.GetType(), loaded.Count));
            Assert.Empty(state.Unread);
            foreach (string text in s_texts)
            {
                Assert.Equal(made.Encode(text), loaded.Encode(text));
                Assert.Equal(made.Decode(made.Encode(text)), loaded.Decode(loaded.Encode(text)));
            }
        }
        Assert.Contains("kind \"wordpiece\" is not known", Assert.Throws<InvalidDataException>(() => Tokenizer.Load(new StateDict().Set("kind", "wordpiece"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OneTokenizerServesManyThreads()
    {
        var bpe = BpeTokenizer.Train(s_texts, 290);
        string text = string.Concat(s_texts);
        int[] expected = bpe.Encode(text);
        Parallel.For(0, 64, _ => Assert.Equal(expected, bpe.Encode(text)));
    }

    [Theory]
    [InlineData("!")]
    [InlineData("aa")]
    [InlineData("<end>")]
    public void ASpecialTokenThatIsAnotherTokenIsRefused(string special) =>
        Assert.Contains($"the special token \"{special}\" stands twice", Assert.Throws<ArgumentException>(() => BpeTokenizer.Train(["aa aa"], 300, 2, "<end>", special)).Message, StringComparison.Ordinal);

    [Fact]
    public void StatesAndTextsThatDoNotFitAreNamed()
    {
        var state = new StateDict();
        BpeTokenizer.Train(["aa aa"], 259, 2, "<a>", "<b>").SaveState(state); // "a" and "a" are token 256
        Assert.Contains("merge 0 makes token 98 of", Refused([64, 64, 98]), StringComparison.Ordinal);
        Assert.Contains("merge 0 makes token 257 of", Refused([64, 64, 257]), StringComparison.Ordinal);
        Assert.Contains("the special token \"<a>\" is number 257 and 258", Refused(tokens: [.. state.Texts("tokens")[..^1], "<a>"]), StringComparison.Ordinal);
        string?[] texts = ["a", null];
        foreach (Action<IEnumerable<string>> train in (Action<IEnumerable<string>>[])[t => BpeTokenizer.Train(t, 300), t => CharTokenizer.Train(t), t => WordTokenizer.Train(t)])
        {
            Assert.Contains("null", Assert.Throws<ArgumentNullException>(() => train(texts!)).Message, StringComparison.Ordinal);
        }
        Assert.Throws<ArgumentNullException>(() => BpeTokenizer.Train(["a"], 300, 2, null!, "<a>"));

        string Refused(long[]? merges = null, string[]? tokens = null)
        {
            var other = new StateDict().Set("kind", "bpe").Set("tokens", tokens ?? state.Texts("tokens")).Set("special", state.Longs("special")).Set("merges", merges ?? state.Longs("merges"));
            return Assert.Throws<InvalidDataException>(() => Tokenizer.Load(other)).Message;
        }
    }

    /// <summary>A text that was cut in the middle of a character.</summary>
    [Fact]
    public void HalvesOfSurrogatePairsAreReplaced()
    {
        Assert.Equal(["hi", "\uFFFD", "there", "😀"], WordTokenizer.Split("hi \ud83d there 😀"));
        var words = WordTokenizer.Train(["a \ud83d b \ud83e c \ude00"]);
        Assert.Equal(2 + 4, words.Count);
    }
}
