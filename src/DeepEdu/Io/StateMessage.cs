using DeepEdu.Collectives;
using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <summary>The values of a <see cref="StateDict"/> in a message between processes.</summary>
internal static class StateMessage
{
    public static void Write(MessageWriter to, ISaveState value)
    {
        var state = new StateDict();
        value.SaveState(state);
        var names = state.Names;
        to.Int(names.Count);
        foreach (string name in names)
        {
            to.Text(name);
            switch (state[name])
            {
                case long n: to.Byte(0); to.Long(n); break;
                case double x: to.Byte(1); to.Double(x); break;
                case bool b: to.Byte(2); to.Byte(b ? (byte)1 : (byte)0); break;
                case string s: to.Byte(3); to.Text(s); break;
                case long[] longs: to.Byte(4); to.Int(longs.Length); to.Values<long>(longs); break;
                case double[] doubles: to.Byte(5); to.Int(doubles.Length); to.Values<double>(doubles); break;
                case string[] texts:
                    to.Byte(6);
                    to.Int(texts.Length);
                    foreach (string text in texts) { to.Text(text); }
                    break;
                case Tensor t:
                    to.Byte(7);
                    to.Int(t.Rank);
                    for (int i = 0; i < t.Rank; i++) { to.Int(t.Shape[i]); }
                    to.Values<float>(t.ToArray());
                    break;
            }
        }
    }

    public static StateDict Read(ref MessageReader from)
    {
        var state = new StateDict();
        for (int i = 0, n = from.Int(); i < n; i++)
        {
            string name = from.Text();
            state[name] = from.Byte() switch
            {
                0 => from.Long(),
                1 => from.Double(),
                2 => from.Byte() != 0,
                3 => from.Text(),
                4 => from.Values<long>(from.Int()).ToArray(),
                5 => from.Values<double>(from.Int()).ToArray(),
                6 => Texts(ref from),
                7 => Tensor(ref from),
                var kind => throw new InvalidDataException($"state: \"{name}\" is of kind {kind}, which is none"),
            };
        }
        return state;
    }

    private static string[] Texts(ref MessageReader from)
    {
        string[] texts = new string[from.Int()];
        for (int i = 0; i < texts.Length; i++) { texts[i] = from.Text(); }
        return texts;
    }

    private static Tensor Tensor(ref MessageReader from)
    {
        int[] sizes = new int[from.Int()];
        for (int i = 0; i < sizes.Length; i++) { sizes[i] = from.Int(); }
        var shape = Shape.Create(sizes);
        return Tensors.Tensor.Wrap(from.Values<float>(shape.Size).ToArray(), shape);
    }
}
