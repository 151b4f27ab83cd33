using DeepEdu.Tensors;

namespace DeepEdu.Data;

/// <summary>Text to numbers and back. Never changes, so any number of threads may use one. <see cref="Tokenizer.Load"/> reads back what <see cref="ISaveState.SaveState"/> saved: the kind, the vocabulary and the settings.</summary>
public interface ITokenizer : ISaveState
{
    /// <summary>How many different tokens there are: the size of the model's embedding.</summary>
    int Count { get; }

    /// <summary>The tokens of a text.</summary>
    int[] Encode(string text);

    /// <summary>The text of tokens.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such token.</exception>
    string Decode(ReadOnlySpan<int> tokens);
}

/// <summary>What all tokenizers share.</summary>
public static class Tokenizer
{
    /// <summary>The tokenizer that was saved, of whatever kind.</summary>
    /// <exception cref="InvalidDataException">Something is missing, or the kind is not known.</exception>
    public static ITokenizer Load(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        return from.Text("kind") switch
        {
            WordTokenizer.Kind => new WordTokenizer(Vocabulary.Load(from), from.Bool("lower")),
            CharTokenizer.Kind => new CharTokenizer(Vocabulary.Load(from)),
            BpeTokenizer.Kind => BpeTokenizer.Load(from),
            var kind => throw new InvalidDataException($"tokenizer: kind \"{kind}\" is not known here; known are {WordTokenizer.Kind}, {CharTokenizer.Kind} and {BpeTokenizer.Kind}"),
        };
    }
}
