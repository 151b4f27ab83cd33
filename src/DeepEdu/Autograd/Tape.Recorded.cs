using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using DeepEdu.Devices;
using DeepEdu.Tensors;

namespace DeepEdu.Autograd;

public sealed partial class Tape
{
    /// <summary>Gradients that are recorded themselves, so that what is computed from them has gradients too: penalties on gradients, curvature, learning to learn. PyTorch's
    /// <c>torch.autograd.grad(output, inputs, create_graph=True)</c>.
    /// <code>
    /// var slope = tape.RecordedGradients(critic.Forward(tape.Watch(x)).Sum(), x)[0];
    /// optimizer.Step(tape.Gradients(loss + (slope.Norm(2, 1) - 1).Square().Mean()));
    /// </code>
    /// Only what lies between <paramref name="of"/> and the output is gone back through, by operations rather than by the fused kernels of <see cref="Gradients(Tensor)"/>: it costs more time and memory.
    /// Formulas (activations, powers) can be differentiated three times; products, sums and whatever moves values, as often as wanted.</summary>
    /// <param name="output">One value, made while this tape was open.</param>
    /// <param name="of">Parameters, watched tensors, or any tensors that this tape recorded on the way to the output.</param>
    /// <returns>dL/d(of), one tensor for each, of its shape. They live as long as the tape.</returns>
    /// <exception cref="ShapeException">The output is not one value.</exception>
    /// <exception cref="InvalidOperationException">The output does not depend on one of them, or an operation between cannot be differentiated once more.</exception>
    public Tensor[] RecordedGradients(Tensor output, params ReadOnlySpan<Tensor> of)
    {
        ArgumentNullException.ThrowIfNull(output);
        if (output.Size != 1) { throw new ShapeException("gradients", $"the output must be one value, not {output.Shape}; take its Mean or Sum, or give the gradient to start from", output.Shape); }
        return RecordedGradients(output, of, Tensor.Ones(output.Shape, output.Device));
    }

    /// <summary>The recorded gradients of Σ <paramref name="output"/> ⊙ <paramref name="seed"/>, which may be recorded too.</summary>
    /// <param name="output">Any tensor made while this tape was open.</param>
    /// <param name="of">Parameters, watched tensors, or any tensors that this tape recorded on the way to the output.</param>
    /// <param name="seed">dL/d(output), of the same shape.</param>
    /// <exception cref="InvalidOperationException">The output does not depend on one of them, or an operation between cannot be differentiated once more.</exception>
    public Tensor[] RecordedGradients(Tensor output, ReadOnlySpan<Tensor> of, Tensor seed)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(seed);
        NullItems.ThrowIfAny(of);
        CheckStart(output, seed);
        var result = new Tensor?[of.Length];
        Retrace(0, [output], [seed], of, result);
        for (int i = 0; i < of.Length; i++)
        {
            if (result[i] is null) { ThrowNoWay(i, of[i], Wants(of[i])); }
        }
        return result!;
    }

    /// <summary>The recorded gradients of one value; null for what it does not depend on.</summary>
    internal Tensor?[] SlopesOf(Tensor output, ReadOnlySpan<Tensor> of)
    {
        var result = new Tensor?[of.Length];
        if (Wants(output)) { Retrace(0, [output], [Tensor.Ones(output.Shape, output.Device)], of, result); }
        return result;
    }

    /// <summary>The recorded gradient of one value by one tensor; null if it does not depend on it.</summary>
    internal Tensor? SlopeOf(Tensor output, Tensor of) => SlopesOf(output, [of])[0];

    /// <summary>For a pullback that is recorded: the gradients by way of the same function in other operations.</summary>
    /// <param name="composed">Makes the outputs again; runs while recording.</param>
    /// <param name="dOutputs">Gradients of the outputs.</param>
    /// <param name="inputs">What the function takes.</param>
    /// <param name="dInputs">Their gradients, to be filled.</param>
    internal void Through(Func<Tensor[]> composed, ReadOnlySpan<Tensor?> dOutputs, ReadOnlySpan<Tensor> inputs, Span<Tensor?> dInputs)
    {
        int from = _steps.Count;
        bool replays = Replays;
        Replays = true;
        try { Retrace(from, composed(), dOutputs, inputs, dInputs); }
        finally { Replays = replays; }
        // what a tensor gets that is taken twice is already the sum over both places
        for (int i = 1; i < inputs.Length; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (ReferenceEquals(inputs[i], inputs[j])) { dInputs[i] = null; }
            }
        }
    }

    /// <summary>The same for a function of one tensor.</summary>
    internal Tensor Through(Func<Tensor> composed, Tensor dOutput, Tensor input)
    {
        Tensor?[] d = [null];
        Through(() => [composed()], [dOutput], [input], d);
        return d[0] ?? Tensor.Zeros(input.Shape, input.Device);
    }

    // from the outputs to the named tensors through the steps from a number on; a tensor that is not reached gets null
    private void Retrace(int from, ReadOnlySpan<Tensor> outputs, ReadOnlySpan<Tensor?> seeds, ReadOnlySpan<Tensor> of, Span<Tensor?> result)
    {
        var ends = new HashSet<Tensor>(ReferenceEqualityComparer.Instance);
        foreach (var tensor in of) { ends.Add(tensor); }
        var grads = new Dictionary<Tensor, Tensor>(ReferenceEqualityComparer.Instance);
        int end = from;
        for (int i = 0; i < outputs.Length; i++)
        {
            if (seeds[i] is not { } seed) { continue; }
            Gather(grads, outputs[i], seed);
            if (ReferenceEquals(outputs[i].Recorder, this)) { end = Math.Max(end, outputs[i].Node + 1); }
        }
        bool[] leads = new bool[end - from];
        for (int i = from; i < end; i++) { leads[i - from] = _steps[i].Inputs.Any(Leads); }
        for (int i = end - 1; i >= from; i--)
        {
            if (leads[i - from]) { Retrace(_steps[i], i, grads, Leads); }
        }
        for (int i = 0; i < of.Length; i++) { result[i] = grads.GetValueOrDefault(of[i]); }

        bool Leads(Tensor input) => ends.Contains(input) || (ReferenceEquals(input.Recorder, this) && input.Node >= from && input.Node < end && leads[input.Node - from]);
    }

    private void Retrace(Step step, int place, Dictionary<Tensor, Tensor> grads, Func<Tensor, bool> leads)
    {
        if (step.Joint is { } joint)
        {
            var dOutputs = Array.ConvertAll(joint.Outputs, grads.GetValueOrDefault);
            if (Array.TrueForAll(dOutputs, d => d is null)) { return; }
            if (!joint.IsRecordable) { ThrowOnce(joint.Pull); }
            var dInputs = new Tensor?[joint.Inputs.Length];
            foreach (var input in joint.Inputs) { CheckUnstepped(input, place); }
            joint.Pull(dOutputs, dInputs);
            for (int i = 0; i < dInputs.Length; i++)
            {
                if (dInputs[i] is { } d && leads(joint.Inputs[i])) { Gather(grads, joint.Inputs[i], d); }
            }
            return;
        }
        if (!grads.TryGetValue(step.Output, out var dy)) { return; }
        foreach (var e in step.Edges!)
        {
            if (!leads(e.Input)) { continue; }
            if (!e.IsRecordable) { ThrowOnce(e.Pull); }
            CheckUnstepped(e.Input, place);
            Gather(grads, e.Input, e.Pull(dy));
        }
    }

    private static void Gather(Dictionary<Tensor, Tensor> grads, Tensor to, Tensor gradient)
    {
        Autograd.Gradients.CheckPulled(to, gradient);
        ref var slot = ref CollectionsMarshal.GetValueRefOrAddDefault(grads, to, out _);
        slot = slot is null ? gradient : Sum(slot, gradient);
    }

    private static Tensor Sum(Tensor a, Tensor b)
    {
        var sum = Tensor.Empty(a.Shape, a.Device);
        a.Device.Zip(default(Gradients.Sum), a.View, b.View, sum.View, Broadcast.Flat(a.Size));
        For(a, b)?.AddRecordable(sum, (a, static d => d), (b, static d => d));
        return sum;
    }

    [DoesNotReturn]
    private static void ThrowOnce(Delegate pull) => throw new InvalidOperationException(
        $"gradients: the way back through {NameOf(pull)} is not made of recorded operations, so what it gives could not be differentiated again. Formulas have three derivatives; an operation of your own takes part if it is added by AddRecordable");

    [DoesNotReturn]
    private static void ThrowNoWay(int i, Tensor of, bool known) => throw new InvalidOperationException(known
        ? $"gradients: the output does not depend on tensor {i} {of.Shape}, or only through what has no slope; leave it out"
        : $"gradients: the tape does not know tensor {i} {of.Shape}; Watch it before it is used");
}
